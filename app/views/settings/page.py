"""Settings: display, password, export, sample data, and deleting the account."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.settings.account import render_deletion, render_sample
from app.views.settings.audit_log import render_audit_log
from app.views.settings.display_form import render_display
from app.views.settings.export import render_export
from app.views.settings.password_form import render_password
from app.views.settings.projects_card import render_projects_card

user = current_user()
preferences = data.load_preferences(user)

title_row("Settings")
render_announcement()
with st.container(border=True):
    render_display(user, preferences)
with st.container(border=True):
    render_projects_card(user, today_in(preferences.zone), data.load_currency(user).code)
if user.workspace.may_administer:
    with st.container(border=True):
        render_audit_log(user, preferences.zone)
with st.container(border=True):
    render_password(user)
with st.container(border=True):
    render_export(user, preferences.zone)
with st.grid(2, min_column_width=300, gap="small"):
    with st.container(border=True, height="stretch"):
        render_sample(user, today_in(preferences.zone))
    with st.container(border=True, height="stretch"):
        render_deletion()
