"""The parts of Settings that only a shared workspace has."""

import streamlit as st

from app import data
from app.auth.identity import User
from app.parts.new_workspace import render_new_workspace
from app.ui.periods import today_in
from app.views.settings.aliases_card import render_aliases
from app.views.settings.card import card
from app.views.settings.export import render_export
from app.views.settings.focus_card import render_focus
from app.views.settings.general import render_general, render_visibility
from app.views.settings.invitations import render_invitations
from app.views.settings.leaving import render_leaving
from app.views.settings.members import render_members


def render_workspace(user: User) -> None:
    """General settings, data, and leaving; what can be changed depends on the role."""
    with st.grid(2, min_column_width=320, gap="small"):
        with card("general", height="stretch"):
            render_general(user)
        with card("visibility", height="stretch"):
            render_visibility(user)
    with st.container(border=True):
        render_export(user, data.load_preferences(user).zone)
    with card("focus"):
        render_focus(user, data.load_preferences(user).zone)
    with st.container(border=True):
        render_new_workspace()
    with card("leaving"):
        render_leaving(user, data.load_people(user))


def render_people(user: User) -> None:
    """Members, invitations, and whom names in reports mean."""
    today = today_in(data.load_preferences(user).zone)
    with st.skeleton(height=360):
        people = data.load_people(user)
        use = data.load_use_of_month(user, today)
    with card("members"):
        render_members(user, people, use, today)
        if user.workspace.may_administer:
            render_invitations(user, people)
    if user.workspace.may_administer:
        with card("aliases"):
            render_aliases(user, people)
