"""What a person without any record sees: three ways to begin."""

from datetime import date

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.ui.pages import page_path


def render_welcome(user: User, today: date) -> None:
    """Import a CSV, add an entry, or load sample data."""
    with st.container(border=True, horizontal_alignment="center", gap="medium", key="welcome"):
        st.space("medium")
        st.header("See what you spend on AI", anchor=False, text_alignment="center")
        st.caption(
            "Bring a usage export of your provider, add a subscription, or look around with sample data.",
            text_alignment="center",
        )
        with st.container(horizontal=True, horizontal_alignment="center", gap="small"):
            _render_way("Import a CSV", "imports", ":material/upload_file:", is_first=True)
            _render_way("Add an entry", "add_entry", ":material/add_card:")
            if st.button("Load sample data", icon=":material/science:"):
                _load_sample(user, today)
        st.space("medium")


def _render_way(label: str, view: str, icon: str, is_first: bool = False) -> None:
    if st.button(label, icon=icon, type="primary" if is_first else "secondary"):
        st.switch_page(page_path(view))


def _load_sample(user: User, today: date) -> None:
    from tally.spend import sample_data  # the sample is made with numpy; nobody else needs it

    with st.spinner("Loading sample data…"):
        sample_data.load(database_of(user), today)
    data.forget_version(user)
    st.rerun()
