"""The cards of a shared workspace."""

import streamlit as st

from app import data
from app.auth.identity import User
from app.parts.new_workspace import render_new_workspace
from app.ui.periods import today_in
from app.views.settings.aliases_card import render_aliases
from app.views.settings.audit_log import render_audit_log
from app.views.settings.card import card
from app.views.settings.export import render_export
from app.views.settings.general import render_general, render_visibility
from app.views.settings.invitations import render_invitations
from app.views.settings.leaving import render_leaving
from app.views.settings.members import render_members
from app.views.settings.workspace_cards import render_workspace_cards


def render_workspace(user: User) -> None:
    """General settings, people, projects and rules; what can be changed depends on the role."""
    with st.grid(2, min_column_width=320, gap="small"):
        with card("general", height="stretch"):
            render_general(user)
        with card("visibility", height="stretch"):
            render_visibility(user)
    zone = data.load_preferences(user).zone
    today = today_in(zone)
    with st.skeleton(height=360):
        people = data.load_people(user)
        use = data.load_use_of_month(user, today)
    with card("members"):
        render_members(user, people, use, today)
        if user.workspace.may_administer:
            render_invitations(user, people)
    render_workspace_cards(user, zone)
    if user.workspace.may_administer:
        with card("aliases"):
            render_aliases(user, people)
        with st.container(border=True):
            render_audit_log(user, zone)
    with st.container(border=True):
        render_export(user, zone)
    with st.container(border=True):
        render_new_workspace()
    with card("leaving"):
        render_leaving(user, people)
