"""Overview: spend by day, provider and model, and the forecast of this month's total."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures import live_month, outlook, spend
from app.figures.anomalies import describe_anomalies, select_confirmed
from app.formats.money import format_money
from app.parts.limits import read_limit
from app.parts.project_choice import render_filters
from app.parts.welcome import render_welcome
from app.ui import cards, charts
from app.ui.periods import EARLIEST_DAY, today_in
from app.ui.render_gate import start_render_gate
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.overview.anomaly_list import render_unusual
from app.views.overview.cards import (
    MonthEnd,
    accumulate_month,
    render_cost_per_request,
    render_month_end,
    render_month_to_date,
    render_notes,
    render_providers,
    render_spend,
    render_top_models,
)
from app.views.overview.splits import render_splits

NO_PROJECT_FORECAST = "no forecast of this project"

user = current_user()
preferences = data.load_preferences(user)
chosen_currency = data.load_currency(user)
currency = chosen_currency.code
today = today_in(preferences.zone)
limit = read_limit(preferences, chosen_currency, today)
month_start = today.replace(day=1)
palette = current_palette()
wait_for_figures = start_render_gate()

with title_row("Overview"):
    project, period = render_filters(user, today, preferences.default_range)
project_id = project.project_id if project else None

with st.skeleton(height=600):
    before = period.before
    loaded_from = min(month_start, before.first or today) if before else None
    daily = data.load_daily(user, loaded_from, today, project_id)
    series = data.ForecastSeries(project_id=project_id)
    totals = data.load_forecast_totals(user, project_id)
    newest = data.load_newest_forecast(user, series, totals)
    all_providers = data.load_providers(user)
    flagged = data.load_anomalies(user, period.first or EARLIEST_DAY)
    if project:  # anomalies and the limit are of all projects
        flagged, limit = [], None
    last_run = data.load_last_run(user)
    is_new = daily.empty and data.load_daily(user, None, None).empty
if is_new:
    render_welcome(user, today)
    st.stop()

labels = {provider.slug: provider.name for provider in all_providers}
shown = spend.select_days(daily, period.first, period.last)
first_day = period.first or (period.last if daily.empty else daily["date"].min().date())
now = spend.calculate_spend(shown)
spent_before = spend.sum_money(spend.select_days(daily, before.first, before.last)) if before else None
this_month = spend.select_days(daily, month_start, today)
month_by_day = spend.spend_by_day(this_month, month_start, today)
totals = live_month.bring_month_up_to_date(totals, series, month_by_day, newest, today)
month_total = outlook.find_total(totals, series, "month_end", today)
ahead = newest[newest["date"].dt.date > today]
passing = outlook.calculate_month_limit(month_total, limit, month_by_day, newest, today)
chance = passing and outlook.describe_limit(passing, currency, today)

with st.grid(4, min_column_width=cards.card_width(currency), gap="small"):
    render_spend(period, now, spent_before, spend.spend_by_day(shown, first_day, period.last), currency)
    render_month_to_date(spend.sum_money(this_month), month_by_day, today, currency)
    absence = (
        NO_PROJECT_FORECAST if project else outlook.explain_absence(last_run, preferences.forecast_enabled)
    )
    cumulative = accumulate_month(month_by_day, ahead, today)
    render_month_end(MonthEnd(month_total, absence, cumulative, chance), currency)
    render_cost_per_request(now, spend.calculate_unit_costs(shown), currency)

wait_for_figures()

if spend.select_money(shown).empty:
    with st.container(border=True):
        st.text("No spend in this period. Choose a longer date range above.")
        render_notes(now, currency)
    st.stop()

money = spend.fill_days(daily, first_day, period.last)
is_weekly = charts.is_weekly((period.last - first_day).days + 1)
unusual = describe_anomalies(
    select_confirmed(
        (row for row in flagged if row["day"] <= period.last),
        shown,
        {provider.provider_id: provider.slug for provider in all_providers},
    ),
    {provider.provider_id: provider.name for provider in all_providers},
    chosen_currency,
    today,
)
ribbons = ahead if period.last == today and not ahead.empty else None
with st.container(border=True):
    notes = ["daily average per week"] if is_weekly else []
    notes += ["30-day forecast with 80% and 95% ranges"] if ribbons is not None else []
    marks = [(anomaly.day, anomaly.sentence) for anomaly in unusual]
    cards.render_heading("Daily spend by provider", " · ".join(notes))
    st.plotly_chart(
        charts.mark_days(charts.daily_spend(money, ribbons, labels, palette, currency), marks, palette),
        theme=None,
        key="daily_spend",
        config=charts.config(currency),
        alt=f"Bars of daily spend by provider, {format_money(now.total, currency)} in total"
        + (", then a 30-day forecast." if ribbons is not None else "."),
    )
    render_unusual(unusual, user.workspace.may_write)

left, right = st.columns([5, 3], gap="small")
with left, st.container(border=True, height="stretch"):
    render_top_models(shown, currency)
with right, st.container(border=True, height="stretch"):
    render_providers(money, labels, palette, currency)
    render_notes(now, currency)

render_splits(user, period, project, currency)
