"""The dashboard: signed-in user, navigation, and everything that all pages share."""

from pathlib import Path
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import User, current_account, load_workspaces, render_sign_out
from app.data import changes
from app.parts.advice_count import render_known_advice, update_advice
from app.parts.problem import render_problem
from app.parts.project_choice import render_project_address
from app.parts.risk_count import render_known_risks, update_risks
from app.parts.sample_ribbon import render_sample_ribbon
from app.parts.workspace_choice import open_workspace, render_address, render_notice
from app.parts.workspace_switcher import open_asked_dialog, render_switcher
from app.ui import jump
from app.ui.cards import render_rate_note
from app.ui.pages import DEFAULT_PAGE, PAGES, find_page, page_path
from app.ui.theme import add_scripts, apply_styles, mark_entry
from tally.storage.database import DatabaseError

STATIC = Path(__file__).resolve().parent / "static"


def list_pages() -> list[Any]:
    """A flat list: screen readers cannot follow a navigation with sections."""
    return [
        st.Page(
            page_path(page.name),
            title=page.entry or page.title,
            icon=f":material/{page.icon}:",
            url_path=page.address or None,
            default=page.name == DEFAULT_PAGE,
            visibility="hidden" if page.part_of else "visible",
        )
        for page in PAGES
    ]


def prepare(user: User) -> None:
    """Apply the theme; once per workspace, save a new account's time zone and post renewals that came due."""
    preferences = data.load_preferences(user)
    with st.sidebar:
        add_scripts(preferences.theme)
        render_rate_note(data.load_currency(user), preferences.currency)
    if st.session_state.get("prepared_for") == user.scope:
        return
    if not preferences.timezone_set and st.context.timezone:
        changes.save_first_timezone(user, st.context.timezone)
    if user.workspace.may_write:
        changes.post_due_renewals(user)
    st.session_state.prepared_for = user.scope


# Set the icon before the navigation, which would load the page's Material icon from another site.
st.set_page_config(page_icon=str(STATIC / "mark.svg"), layout="wide")
account = current_account()
apply_styles()
render_address()
render_project_address()
page = st.navigation(list_pages(), expanded=True)
opened = find_page(page.url_path)
st.set_page_config(page_title=f"{opened.title} · Tally")
mark_entry(opened)
st.logo(str(STATIC / "logo.svg"), icon_image=str(STATIC / "mark.svg"), size="large")
with st.sidebar:
    switcher = st.empty()
    st.text(account.email)
    render_sign_out(jump.FIELD)
try:
    signed_in = open_workspace()
    render_switcher(switcher, signed_in, load_workspaces(account))
    prepare(signed_in)
    open_asked_dialog()
    render_notice()
    render_sample_ribbon(signed_in)
    render_known_risks(signed_in)
    render_known_advice(signed_in)
    page.run()
    update_risks(signed_in, opened.name)
    update_advice(signed_in, opened.name)
except DatabaseError as failure:
    render_problem(failure)
