"""The Models page without requests, or with more than one answer can be of."""

import streamlit as st

from app.figures.model_performance import LABELS
from app.ui.navigation import switch_page
from tally.storage.database import DatabaseError

PERIOD = "period"  # the key of the choice, and its name in the address


def render_empty(period: str, project: str | None) -> None:
    """Tell what would be here, and the way to a key."""
    with st.container(border=True):
        where = f" of {project}" if project else ""
        st.text(f"No telemetry{where} in the last {LABELS[period]}.")
        st.caption(
            "Only telemetry tells how long requests take and how many fail: logs of agents, files and bills "
            "don't. Programs that send OpenTelemetry with a key appear here within seconds."
        )
        if st.button("Set up telemetry", icon=":material/key:"):
            switch_page("keys")


def render_too_many(period: str, refused: DatabaseError) -> None:
    """Say why there is no answer, and offer the periods that are shorter, the longest first."""
    shorter = list(LABELS)[: list(LABELS).index(period)][::-1]
    with st.container(border=True):
        st.text(str(refused))
        with st.container(horizontal=True, gap="small"):
            for each in shorter:
                st.button(
                    f"Show the last {LABELS[each]}", key=f"show_{each}", on_click=_choose_period, args=(each,)
                )
        if not shorter:
            st.caption("The requests of one project may be fewer.")


def _choose_period(period: str) -> None:
    st.session_state[PERIOD] = period
