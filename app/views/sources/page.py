"""Sources: every file, machine and connection, and the reconciliation of bills with estimates."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.parts.welcome import render_welcome
from app.ui.notices import render_announcement
from app.ui.periods import render_period, today_in
from app.ui.titles import title_row
from app.views.sources.reconciliation import render_reconciliation
from app.views.sources.scan import render_scan
from app.views.sources.source_list import render_sources

user = current_user()
preferences = data.load_preferences(user)
currency = data.load_currency(user).code
today = today_in(preferences.zone)

with title_row("Sources"):
    period = render_period(today, preferences.default_range)
render_announcement()
render_scan(user)
with st.skeleton(height=480):
    sources = data.load_sources(user)
    days = data.load_source_days(user)
if not sources:
    render_welcome(user, today)
    st.stop()
render_sources(user, sources, days, preferences.zone, currency)
with st.skeleton(height=360):
    statements = data.load_statements(user, period.first, period.last)
render_reconciliation(statements, {p.slug: p.name for p in data.load_providers(user)}, currency)
