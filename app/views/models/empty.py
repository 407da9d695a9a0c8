"""The Models page without requests."""

import streamlit as st

from app.figures.model_performance import LABELS
from app.ui.navigation import switch_page


def render_empty(period: str, project: str | None) -> None:
    """Tell what would be here, and the way to a key."""
    with st.container(border=True):
        where = f" of {project}" if project else ""
        st.text(f"No requests{where} in the last {LABELS[period]}.")
        st.caption(
            "Programs that send OpenTelemetry with a key appear here within seconds: how often their models "
            "fail, how long they take, and what they cost."
        )
        if st.button("Create a key", icon=":material/key:"):
            switch_page("keys")
