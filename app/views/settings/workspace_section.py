"""The cards of a shared workspace."""

import streamlit as st

from app import data
from app.auth.identity import User
from app.parts.new_workspace import render_new_workspace
from app.ui.periods import today_in
from app.views.settings.alert_rules_card import render_alert_rules
from app.views.settings.aliases_card import render_aliases
from app.views.settings.audit_log import render_audit_log
from app.views.settings.card import card
from app.views.settings.channels_card import render_channels
from app.views.settings.contents_card import render_contents
from app.views.settings.export import render_export
from app.views.settings.general import render_general, render_visibility
from app.views.settings.invitations import render_invitations
from app.views.settings.leaving import render_leaving
from app.views.settings.members import render_members
from app.views.settings.model_limits_card import render_model_limits
from app.views.settings.projects_card import render_projects_card
from app.views.settings.traces_card import render_traces


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
    with card("projects"):
        render_projects_card(user, today, data.load_currency(user).code)
    with card("channels"):
        render_channels(user, zone)
    with card("alerts"):
        render_alert_rules(user)
    with card("model_limits"):
        render_model_limits(user)
    with card("traces"):
        render_traces(user)
    with card("contents"):
        render_contents(user)
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
