"""The card of a page that has no records to show yet."""

import streamlit as st

from app.auth.identity import User
from app.parts.permissions import explain_fixed, render_reason
from app.ui.navigation import switch_page


def render_nothing_yet(user: User) -> None:
    """The way to the Overview, where a new workspace begins."""
    if reason := explain_fixed(user):
        render_reason(f"Nothing to see yet. {reason}")
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        st.text("Nothing here yet. This page fills with the first costs.")
        if st.button("Get started", icon=":material/rocket_launch:", key="get-started"):
            switch_page("overview")
