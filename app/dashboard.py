"""The dashboard: who is looking, the pages there are, and what every page shares."""

from pathlib import Path
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import User, current_user, render_sign_out
from app.data import changes
from app.ui.cards import render_rate_note
from app.ui.pages import page_path
from app.ui.theme import apply_theme
from tally.storage.database import DatabaseError

HERE = Path(__file__).resolve().parent
PAGES = (
    ("overview", "Overview", "space_dashboard"),
    ("records", "Records", "receipt_long"),
    ("imports", "Import", "upload_file"),
    ("connections", "Connections", "sync_alt"),
    ("sources", "Sources", "balance"),
    ("add_entry", "Add entry", "add_card"),
    ("subscriptions", "Subscriptions", "event_repeat"),
    ("prices", "Prices", "sell"),
    ("forecast", "Forecast", "trending_up"),
    ("settings", "Settings", "settings"),
)


def list_pages() -> list[Any]:
    """A flat list: sections would make a list that screen readers cannot follow."""
    return [
        st.Page(
            page_path(name),
            title=title,
            icon=f":material/{icon}:",
            url_path=title.lower().replace(" ", "-"),
            default=name == "overview",
        )
        for name, title, icon in PAGES
    ]


def prepare(user: User) -> None:
    """What a session does once: the browser's timezone for a new person, and the renewals that came due."""
    preferences = data.load_preferences(user)
    with st.sidebar:
        apply_theme(preferences.theme)
        render_rate_note(data.load_currency(user), preferences.currency)
    if st.session_state.get("prepared_for") == user.user_id:
        return
    if not preferences.timezone_set and st.context.timezone:
        changes.save_first_timezone(user, st.context.timezone)
    changes.post_due_renewals(user)
    st.session_state.prepared_for = user.user_id


def render_problem(problem: DatabaseError) -> None:
    """A sentence and a way on, in place of what could not be read."""
    with st.container(border=True, horizontal_alignment="center", gap="medium", key="problem"):
        st.space("small")
        st.header("Your data is not here right now", anchor=False, text_alignment="center")
        st.text(str(problem), width="content", text_alignment="center")
        if st.button("Try again", type="primary", icon=":material/refresh:"):
            st.rerun()
        st.space("small")


st.set_page_config(page_title="Tally", page_icon=str(HERE / "static/mark.svg"), layout="wide")
signed_in = current_user()
st.logo(str(HERE / "static/logo.svg"), icon_image=str(HERE / "static/mark.svg"), size="large")
page = st.navigation(list_pages(), expanded=True)
with st.sidebar:
    st.space("small")
    st.text(signed_in.email)
    render_sign_out()
try:
    prepare(signed_in)
    page.run()
except DatabaseError as failure:
    render_problem(failure)
