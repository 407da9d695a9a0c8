"""The cards of the user's own account."""

import streamlit as st

from app import data
from app.auth.identity import User, load_workspaces
from app.parts.new_workspace import render_new_workspace
from app.ui.periods import today_in
from app.views.settings.account import render_deletion, render_sample
from app.views.settings.card import card
from app.views.settings.digest_card import render_digests
from app.views.settings.display_form import render_display
from app.views.settings.export import render_export
from app.views.settings.focus_card import render_focus
from app.views.settings.password_form import render_password


def render_account(shown: User) -> None:
    """Preferences, password and data."""
    user = shown.in_personal_workspace()
    preferences = data.load_preferences(user)
    today = today_in(preferences.zone)
    with card("display"):
        render_display(user, preferences)
    with card("digests"):
        render_digests(shown)
    with card("password"):
        render_password(user)
    with st.container(border=True):
        render_export(user, preferences.zone)
    with card("focus"):
        render_focus(user, preferences.zone)
    with st.container(border=True):
        render_new_workspace()
    with st.grid(2, min_column_width=300, gap="small"):
        with card("sample", height="stretch"):
            render_sample(user, today)
        with st.container(border=True, height="stretch"):
            render_deletion(has_shared=len(load_workspaces(user)) > 1)
