"""Overview: the month and where it will end, then spend by day, provider and model of a period."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.parts.budget_address import render_budgets_link
from app.parts.forecast_updates import render_forecast_updates
from app.parts.month_limit import load_month_limit
from app.parts.project_choice import choose_project
from app.parts.unread_alerts import render_unread_alerts
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.render_gate import start_render_gate
from app.ui.titles import title_row
from app.views.overview.findings_card import render_findings
from app.views.overview.month import explain_absence, load_month, render_month
from app.views.overview.spending import Above, render_spending
from app.views.overview.welcome import render_welcome
from tally.core.months import month_before

user = current_user()
preferences = data.load_preferences(user)
currency = data.load_currency(user)
today = today_in(preferences.zone)
wait_for_figures = start_render_gate()

with title_row("Overview"):
    project = choose_project(user)
project_id = project.project_id if project else None
limit = None if project else load_month_limit(user, today)  # the limit is of all projects
month_place = st.container()

with month_place, st.skeleton(height=220):
    version = data.data_version(user)
    month_daily = data.load_daily(user, month_before(today)[0], today, project_id)
    month = load_month(user, month_daily, project, limit, today)
    last_run = data.load_last_run(user)
    is_new = month_daily.empty and data.load_daily(user, None, None).empty
if is_new:
    render_announcement()
    render_welcome(user, today)
    st.stop()
with month_place:
    updates = render_forecast_updates(user)
    absence = explain_absence(last_run, project, preferences.forecast_enabled, updates.has_worker)
    render_month(month, absence, today, currency.code)
    budgets = data.load_budgets(user)
    with st.container(gap=None):
        render_unread_alerts(user, budgets, preferences.zone)
        render_budgets_link(user, budgets, limit is not None)
render_spending(Above(month, project, version, today), wait_for_figures)
render_findings(user, preferences.zone)
