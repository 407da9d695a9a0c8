"""Start page of an account without records."""

from datetime import date

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.parts.permissions import explain_fixed, render_reason
from app.ui.navigation import switch_page


def render_welcome(user: User, today: date) -> None:
    """Offer to import a file, add an entry or load sample data."""
    if reason := explain_fixed(user):
        render_reason(f"Nothing to see yet. {reason}")
        return
    with st.container(border=True, horizontal_alignment="center", gap="medium", key="welcome"):
        st.space("medium")
        st.header("See what you spend on AI", anchor=False, text_alignment="center")
        st.caption(
            "Import a usage export from your provider, add a subscription, or explore with sample data.",
            text_alignment="center",
        )
        with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
            _render_link("Import a file", "imports", ":material/upload_file:", is_primary=True)
            _render_link("Add an entry", "add_entry", ":material/add_card:")
            if st.button("Load sample data", icon=":material/science:"):
                _load_sample(user, today)
        st.space("medium")


def _render_link(label: str, page: str, icon: str, is_primary: bool = False) -> None:
    if st.button(label, icon=icon, type="primary" if is_primary else "secondary"):
        switch_page(page)


def _load_sample(user: User, today: date) -> None:
    from tally.spend import sample_data  # imports numpy, which only the sample needs

    with st.spinner("Loading sample data…"):
        sample_data.load(database_of(user), today)
    data.forget_version(user)
    st.rerun()
