"""Forecast: predicted spend with its ranges, what-if totals, and the accuracy of earlier predictions."""

from datetime import date, timedelta

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures import live_month, outlook, scorecard, spend
from app.figures.what_if import calculate_shares
from app.parts.forecast_updates import render_forecast_updates
from app.parts.month_limit import load_month_limit
from app.parts.nothing_yet import render_nothing_yet
from app.parts.project_choice import choose_project
from app.ui import cards, charts
from app.ui.periods import today_in
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.forecast.accuracy_cards import (
    render_accuracy,
    render_bias,
    render_earlier_predictions,
    render_earlier_totals,
    render_scorecard,
)
from app.views.forecast.cards import render_total, render_training, render_waiting
from app.views.forecast.project_spend import render_project_spend
from app.views.forecast.what_if import SHARE_DAYS, Usage, render_what_if

HISTORY_DAYS = 90
CHECKED_DAYS = 60

user = current_user()
preferences = data.load_preferences(user)
chosen_currency = data.load_currency(user)
currency = chosen_currency.code
today = today_in(preferences.zone)
palette = current_palette()

with title_row("Forecast"), st.container(horizontal=True, width="content", gap="small"):
    project = choose_project(user)
    chooser = st.container(width=280)
project_id = project.project_id if project else None

with st.skeleton(height=600):
    daily = data.load_daily(user, today - timedelta(days=HISTORY_DAYS), today, project_id)
    totals = data.load_forecast_totals(user, project_id)
    providers = {provider.provider_id: provider for provider in data.load_providers(user)}
    provider_names = {provider_id: provider.name for provider_id, provider in providers.items()}
    last_run = data.load_last_run(user)
    run_names = {provider.slug: provider.name for provider in providers.values()}
    run_names |= {known.project_id: known.name for known in data.load_projects(user)}
    is_new = daily.empty and data.load_daily(user, None, None).empty
if is_new:
    render_nothing_yet(user)
    st.stop()
updates = render_forecast_updates(user)
available = outlook.forecast_series(totals)
if project and not available:
    render_project_spend(user, project, today, currency)
    st.stop()
if not preferences.forecast_enabled or not available:
    render_waiting(last_run, run_names, preferences, updates.has_worker)
    st.stop()

if project:
    [series] = available
else:
    series = chooser.selectbox(
        "Series",
        available,
        format_func=lambda series: outlook.describe_series(series, provider_names),
        label_visibility="collapsed",
    )
predictions = data.load_forecast(user, series, today - timedelta(days=CHECKED_DAYS))
newest = outlook.newest_run(predictions)
ahead = newest[newest["date"].dt.date >= today]
slug = providers[series.provider_id].slug if series.provider_id in providers else None
money = spend.select_series(spend.select_money(daily), slug, series.model_name)
history = spend.spend_by_day(money, today - timedelta(days=HISTORY_DAYS), today - timedelta(days=1))
predicted = outlook.day_ahead_predictions(predictions, today)
to_today = spend.spend_by_day(money, today - timedelta(days=HISTORY_DAYS), today)
month_by_day = to_today[to_today.index >= pd.Timestamp(today.replace(day=1))]
totals = live_month.bring_up_to_date(totals, series, to_today, newest, today)
next_30_days = outlook.find_total(totals, series, "next_30_days", today)
month = outlook.find_total(totals, series, "month_end", today)
is_total = series == data.ForecastSeries()

if month:
    limit = load_month_limit(user, today) if is_total else None
    passing = outlook.calculate_month_limit(month, limit, month_by_day, newest, today)
    st.text(outlook.describe_month(month, passing, currency, today))

with st.grid(4, min_column_width=cards.card_width(currency), gap="small"):
    render_total("Next 30 days", next_30_days, currency, today)
    render_total("Month end", month, currency, today)
    render_accuracy(predicted, history)
    render_bias(predicted, history)

with st.container(border=True):
    cards.render_heading("Daily spend", "80% and 95% range of each day")
    st.plotly_chart(
        charts.forecast_ribbons(to_today, ahead, palette, currency),
        theme=None,
        key="ribbons",
        config=charts.config(currency),
        alt=f"Spend of the last {HISTORY_DAYS} days up to today, then a forecast with its ranges.",
    )
if not predicted.empty:
    render_earlier_predictions(history, predicted, palette, currency)
recent = spend.select_days(money, today - timedelta(days=SHARE_DAYS), today)
if is_total and (shares := calculate_shares(recent)):
    used = {model: recent.loc[recent["model"] == model, "provider"].iloc[-1] for model in shares}
    render_what_if(totals, ahead, Usage(shares, used), today, currency)

past = data.load_past_totals(user, series)
first_needed = scorecard.first_day_needed(past, today)
checked = spend.select_series(data.load_daily(user, first_needed, today, project_id), slug, series.model_name)
trained_from = min(newest["training_data_start"].map(date.fromisoformat), default=today)
render_scorecard(
    scorecard.score_runs(past, spend.spend_by_day(checked, first_needed, today), trained_from),
    scorecard.read_backtest(next_30_days and next_30_days["backtest"]),
    palette,
    currency,
)
left, right = st.columns([5, 3], gap="small")
with left, st.container(border=True, height="stretch"):
    cards.render_heading("Earlier month ends")
    render_earlier_totals(past[past["kind"] == "month_end"], currency)
with right, st.container(border=True, height="stretch"):
    cards.render_heading("Training")
    render_training(newest, last_run, run_names, preferences.zone)
