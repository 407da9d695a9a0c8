"""The cards of the user's own account."""

import streamlit as st

from app import data
from app.auth.identity import User, load_workspaces
from app.parts.new_workspace import render_new_workspace
from app.ui.periods import today_in
from app.views.settings.account import render_deletion, render_sample
from app.views.settings.alert_rules_card import render_alert_rules
from app.views.settings.audit_log import render_audit_log
from app.views.settings.card import card
from app.views.settings.channels_card import render_channels
from app.views.settings.contents_card import render_contents
from app.views.settings.digest_card import render_digests
from app.views.settings.display_form import render_display
from app.views.settings.export import render_export
from app.views.settings.model_limits_card import render_model_limits
from app.views.settings.password_form import render_password
from app.views.settings.projects_card import render_projects_card
from app.views.settings.traces_card import render_traces


def render_account(shown: User) -> None:
    """Preferences, password and data; also projects and the audit log of the personal workspace."""
    user = shown.in_personal_workspace()
    preferences = data.load_preferences(user)
    today = today_in(preferences.zone)
    with card("display"):
        render_display(user, preferences)
    with card("digests"):
        render_digests(shown)
    if shown.workspace.is_personal:
        with card("projects"):
            render_projects_card(user, today, data.load_currency(user).code)
        with card("channels"):
            render_channels(user, preferences.zone)
        with card("alerts"):
            render_alert_rules(user)
        with card("model_limits"):
            render_model_limits(user)
        with card("traces"):
            render_traces(user)
        with card("contents"):
            render_contents(user)
        with st.container(border=True):
            render_audit_log(user, preferences.zone)
    with card("password"):
        render_password(user)
    with st.container(border=True):
        render_export(user, preferences.zone)
    with st.container(border=True):
        render_new_workspace()
    with st.grid(2, min_column_width=300, gap="small"):
        with card("sample", height="stretch"):
            render_sample(user, today)
        with st.container(border=True, height="stretch"):
            render_deletion(has_shared=len(load_workspaces(user)) > 1)
