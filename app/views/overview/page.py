"""Overview: the month and where it will end, then spend by day, provider and model of a period."""

from datetime import timedelta

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures import chart_days, spend
from app.figures.anomalies import describe_anomalies, select_confirmed
from app.figures.subscription_days import LONGEST_DAYS, spread_ahead, spread_subscriptions
from app.formats.dates import format_span
from app.parts.budget_address import render_budgets_link
from app.parts.forecast_updates import render_forecast_updates
from app.parts.month_limit import load_month_limit
from app.parts.project_choice import choose_project
from app.parts.subscription_form import parse_subscription
from app.parts.welcome import render_welcome
from app.ui.periods import EARLIEST_DAY, month_before, render_period, today_in
from app.ui.render_gate import start_render_gate
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.overview.cards import render_notes, render_providers, render_top_models
from app.views.overview.daily_card import DailyCard, render_daily
from app.views.overview.month import explain_absence, load_month, render_month
from app.views.overview.splits import render_splits

SPREAD_HELP = (
    "Each subscription in equal parts on the days that it pays for, instead of on the day it renews."
)

user = current_user()
preferences = data.load_preferences(user)
chosen_currency = data.load_currency(user)
currency = chosen_currency.code
today = today_in(preferences.zone)
palette = current_palette()
wait_for_figures = start_render_gate()

with title_row("Overview"):
    project = choose_project(user)
project_id = project.project_id if project else None
limit = None if project else load_month_limit(user, today)  # the limit is of all projects
month_place = st.container()

with month_place, st.skeleton(height=220):
    month_daily = data.load_daily(user, month_before(today)[0], today, project_id)
    month = load_month(user, month_daily, project, limit, today)
    last_run = data.load_last_run(user)
    is_new = month_daily.empty and data.load_daily(user, None, None).empty
if is_new:
    render_welcome(user, today)
    st.stop()
with month_place:
    updates = render_forecast_updates(user)
    absence = explain_absence(last_run, project, preferences.forecast_enabled, updates.has_worker)
    render_month(month, absence, today, currency)
    budgets_place = st.container()
filters = st.container(
    horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
)
described = filters.container(width="content")
subscriptions = data.load_subscriptions(user)
with filters.container(horizontal=True, width="content", vertical_alignment="center", gap="medium"):
    is_spread = bool(subscriptions) and st.toggle(
        "Spread subscriptions", key="spread", bind="query-params", help=SPREAD_HELP
    )
    period = render_period(today, preferences.default_range)
with st.skeleton(height=600):
    before = period.before
    loaded_from = before.first if before else None
    if loaded_from and is_spread:
        loaded_from -= timedelta(days=LONGEST_DAYS)
    paid = data.load_daily(user, loaded_from, today, project_id)
    all_providers = data.load_providers(user)
    flagged = data.load_anomalies(user, period.first or EARLIEST_DAY)
    if project:  # anomalies are of all projects
        flagged = []
wait_for_figures()
with budgets_place:
    render_budgets_link(user, data.load_budgets(user), limit is not None)

labels = {provider.slug: provider.name for provider in all_providers}
slugs = {provider.provider_id: provider.slug for provider in all_providers}
daily, ahead = paid, month.ahead
if is_spread:
    parsed = [parse_subscription(row) for row in subscriptions]
    plans = [] if project else [(slugs[plan.provider_id], plan) for plan in parsed]
    daily = spread_subscriptions(paid, plans, today)
    ahead = spread_ahead(ahead, paid, plans, chosen_currency)
shown = spend.select_days(daily, period.first, period.last)
first_spent = None if shown.empty else shown["date"].min().date()
first_day = period.first or first_spent or period.last
described.caption(f"Everything below is for {format_span(first_day, period.last)}")
now = spend.calculate_spend(shown)

if spend.select_money(shown).empty:
    with st.container(border=True):
        st.text("No spend in this period. Choose a longer date range above.")
        render_notes(now, currency)
    st.stop()

confirmed = select_confirmed((row for row in flagged if row["day"] <= period.last), paid, slugs)
names = {provider.provider_id: provider.name for provider in all_providers}
first_charted = chart_days.begin_chart(first_day, period.last, first_spent) if period.is_preset else first_day
card = DailyCard(
    period,
    first_charted,
    daily,
    ahead if period.last == today else ahead.iloc[:0],
    describe_anomalies(confirmed, names, chosen_currency, today),
    month.ratios,
)
with st.container(border=True):
    render_daily(card, labels, palette, currency, user.workspace.may_write)
money = spend.fill_days(daily, first_charted, period.last)

left, right = st.columns([5, 3], gap="small")
with left, st.container(border=True, height="stretch"):
    render_top_models(shown, now.cost_per_request, currency)
with right, st.container(border=True, height="stretch"):
    render_providers(money, labels, palette, currency)
    render_notes(now, currency)

render_splits(user, period, project, currency)
