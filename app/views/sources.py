"""Where do records come from, and does what they say agree?"""

import streamlit as st

from app import data
from app.identity import current_user
from app.notices import render_announcement
from app.periods import render_period, today_in
from app.source_list import render_sources
from app.source_reconciliation import render_reconciliation
from app.source_scan import render_scan
from app.titles import title_row
from app.welcome import render_welcome

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
    said = data.load_source_days(user)
if not sources:
    render_welcome(user, today)
    st.stop()
render_sources(user, sources, said, preferences.zone, currency)
with st.skeleton(height=360):
    statements = data.load_statements(user, period.first, period.last)
render_reconciliation(statements, {p.slug: p.name for p in data.load_providers(user)}, currency)
