"""Sources: every file, machine, service and connection, and the reconciliation of bills with estimates."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures.spend import sum_money
from app.parts.nothing_yet import render_nothing_yet
from app.parts.permissions import render_own_only
from app.parts.project_choice import render_filters
from app.parts.scan import render_scan
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.sources.accounts import choose_account, render_accounts
from app.views.sources.reconciliation import render_reconciliation
from app.views.sources.source_list import Shown, render_sources

user = current_user()
preferences = data.load_preferences(user)
currency = data.load_currency(user).code
today = today_in(preferences.zone)

with title_row("Sources"):
    sources = data.load_sources(user)
    is_new = not sources and data.load_source_days(user, None, None).empty
    if not is_new:
        project, period = render_filters(user, today, preferences.default_range)
render_announcement()
render_own_only(user)
render_scan(user)
if is_new:
    render_nothing_yet(user)
    st.stop()
with st.skeleton(height=480):
    account = choose_account(user)
    project_id = project.project_id if project else None
    days = data.load_source_days(user, project_id, account)
if project or account:
    sources = [source for source in sources if source["id"] in set(days["import_id"])]
if sources or not days.empty:
    # The Overview does not choose among accounts.
    overview = None if account else sum_money(data.load_daily(user, period.first, period.last, project_id))
    render_sources(user, sources, days, Shown(period, preferences.zone, currency, overview))
else:
    with st.container(border=True):
        st.text("No source has records of this project and account.")
with st.skeleton(height=360):
    statements = data.load_statements(user, period.first, period.last)
providers = {provider.slug: provider.name for provider in data.load_providers(user)}
render_accounts(user, statements, providers, currency)
if project:
    st.caption("Below, billing accounts are compared as a whole: bills tell nothing of projects.")
render_reconciliation(statements, providers, data.load_account_names(user), currency)
