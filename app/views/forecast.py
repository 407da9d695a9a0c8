"""What will I spend, how sure is that, and how good were earlier predictions?"""

from datetime import timedelta

import streamlit as st

from app import cards, charts, data, outlook, spend
from app.forecast_cards import (
    render_accuracy,
    render_bias,
    render_earlier_totals,
    render_origin,
    render_total,
    render_waiting,
)
from app.identity import current_user
from app.periods import today_in
from app.theme import current_palette
from app.welcome import render_welcome

HISTORY_DAYS = 90
CHECKED_DAYS = 60

user = current_user()
preferences = data.load_preferences(user)
currency = data.load_currency(user).code
today = today_in(preferences.zone)
palette = current_palette()

with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
    st.title("Forecast", anchor=False, width="content")
    chooser = st.container(width=280)

with st.skeleton(height=600):
    daily = data.load_daily(user, today - timedelta(days=HISTORY_DAYS), today)
    totals = data.load_forecast_totals(user)
    providers = {provider.provider_id: provider for provider in data.load_providers(user)}
    night = data.load_last_night(user)
    is_new = daily.empty and data.load_daily(user, None, None).empty
if is_new:
    render_welcome(user, today)
    st.stop()
series_there = outlook.forecast_series(totals)
if not preferences.forecast_enabled or not series_there:
    render_waiting(night, preferences)
    st.stop()

series = chooser.selectbox(
    "Series",
    series_there,
    format_func=lambda one: outlook.describe_series(one, {key: it.name for key, it in providers.items()}),
    label_visibility="collapsed",
)
predictions = data.load_forecast(user, series, today - timedelta(days=CHECKED_DAYS))
newest = outlook.newest_run(predictions)
ahead = newest[newest["date"].dt.date >= today]
slug = providers[series.provider_id].slug if series.provider_id in providers else None
money = spend.select_series(spend.select_money(daily), slug, series.model_name)
history = spend.spend_by_day(money, today - timedelta(days=HISTORY_DAYS), today - timedelta(days=1))
predicted = outlook.day_before(predictions, today)

with st.grid(4, min_column_width=cards.card_width(currency), gap="small"):
    render_total("Next 30 days", outlook.find_total(totals, series, "next_30_days", today), currency)
    render_total("Month end", outlook.find_total(totals, series, "month_end", today), currency)
    render_accuracy(predicted, history)
    render_bias(predicted, history)

with st.container(border=True):
    cards.render_heading("Daily spend", "80% and 95% ranges for each day")
    st.plotly_chart(
        charts.forecast_ribbons(history, ahead, palette, currency),
        theme=None,
        key="ribbons",
        config=charts.config(currency),
        alt=f"Spend of the last {HISTORY_DAYS} days, then the forecast of the next 30 with its ranges.",
    )
if not predicted.empty:
    with st.container(border=True):
        cards.render_heading("Earlier predictions", "what the night before had said")
        st.plotly_chart(
            charts.earlier_predictions(
                history[history.index >= predicted["date"].min()], predicted, palette, currency
            ),
            theme=None,
            key="earlier",
            config=charts.config(currency),
            alt="For each past day what had been predicted and what was spent.",
        )
known = outlook.past_totals(totals, series, "month_end")
left, right = st.columns([5, 3], gap="small")
with left, st.container(border=True, height="stretch"):
    cards.render_heading("Earlier month ends")
    render_earlier_totals(known, currency)
with right, st.container(border=True, height="stretch"):
    cards.render_heading("How it was made")
    render_origin(newest, night, preferences.zone)
