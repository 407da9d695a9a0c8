"""What a person without any record sees: three ways to begin."""

from datetime import date
from pathlib import Path

import streamlit as st

from app import data
from app.identity import User, api_of

VIEWS = Path(__file__).resolve().parent / "views"


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
    if not (VIEWS / f"{view}.py").exists():
        return
    if st.button(label, icon=icon, type="primary" if is_first else "secondary"):
        st.switch_page(VIEWS / f"{view}.py")


def _load_sample(user: User, today: date) -> None:
    from tally import demo  # the sample is made with numpy; nobody else needs it

    with st.spinner("Loading sample data…"):
        demo.load(api_of(user), today)
    data.forget_version(user)
    st.rerun()
