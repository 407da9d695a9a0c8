"""The cards of the Forecast page."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.data import Preferences
from app.figures.outlook import forecast_step, spread_over_months
from app.figures.scorecard import Score, describe_bars, list_bars
from app.formats.dates import format_day, format_days
from app.formats.money import format_figure, format_money_range
from app.formats.text import DASH, escape_markdown
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.charts import config, earlier_predictions, shares
from app.ui.tables import render_table
from app.ui.theme import Palette
from tally.core.text import plural

NIGHTLY_AT = "03:15"


def render_total(label: str, total: dict[str, Any] | None, currency: str) -> None:
    """A predicted total with its 80% range."""
    st.metric(
        label,
        format_figure(total["predicted_cost_usd"], currency) if total else DASH,
        format_money_range(total["lower_bound_80"], total["upper_bound_80"], currency)
        if total
        else "ready tomorrow morning",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
        help=_explain(total, currency) if total else None,
    )


def _explain(total: dict[str, Any], currency: str) -> str:
    wide = format_money_range(total["lower_bound_95"], total["upper_bound_95"], currency)
    days = format_days(total["period_start"], total["period_end"])
    return escape_markdown(
        f"{days}. 80% likely to land in the range below, and 95% likely to land in {wide}."
    )


def render_accuracy(predicted: pd.DataFrame, history: pd.Series) -> None:
    """Share of past days whose spend was inside the 80% range predicted the night before."""
    actual = predicted["date"].map(history)
    is_inside = (actual >= predicted["lower_80"]) & (actual <= predicted["upper_80"])
    known = int(actual.notna().sum())
    st.metric(
        "Past days in range",
        f"{int(is_inside.sum())} of {known}" if known else DASH,
        "Target: 80%" if known else "ready in a few days",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )


def render_bias(predicted: pd.DataFrame, history: pd.Series) -> None:
    """Bias: by how much the predictions of all past days were too high or too low in total."""
    actual = predicted["date"].map(history)
    spent = float(actual.sum())
    forecast = float(predicted.loc[actual.notna(), "predicted"].sum())
    st.metric(
        "Predicted vs actual",
        f"{forecast / spent - 1:+.1%}" if spent > 0 else DASH,
        f"over {plural(int(actual.notna().sum()), 'day')}" if spent > 0 else "ready in a few days",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )


def render_earlier_predictions(
    history: pd.Series, predicted: pd.DataFrame, palette: Palette, currency: str
) -> None:
    """Past days as predicted the night before, beside actual spend."""
    with st.container(border=True):
        render_heading("Earlier predictions", "as predicted the night before")
        st.plotly_chart(
            earlier_predictions(
                history[history.index >= predicted["date"].min()], predicted, palette, currency
            ),
            theme=None,
            key="earlier",
            config=config(currency),
            alt="Predicted and actual spend of each past day.",
        )


def render_earlier_totals(known: pd.DataFrame, currency: str) -> None:
    """Earlier predictions of months that have ended."""
    if known.empty:
        st.caption("Predictions of a month's total are scored once the month has ended.")
        return
    lines = [
        {
            "month": row["period_end"],
            "predicted": row["predicted_cost_usd"],
            "spent": row["actual_cost_usd"],
            "range": (row["lower_bound_80"], row["upper_bound_80"]),
            "verdict": _judge(row["actual_cost_usd"], row["lower_bound_80"], row["upper_bound_80"]),
            "made": pd.Timestamp(row["created_at"]).date(),
        }
        for row in spread_over_months(known).to_dict("records")
    ]
    kinds = {
        "month": columns.day("Month", lambda month: f"{month:%b %Y}"),
        "predicted": columns.money("Predicted", currency),
        "spent": columns.money("Actual", currency),
        "range": columns.money_range("80% range", currency),
        "verdict": columns.text("Result"),
        "made": columns.day("Made on"),
    }
    frame = pd.DataFrame(lines, dtype=object)
    render_table(frame, kinds, "Earlier predictions of a month's total beside actual spend")


def _judge(actual: Decimal, lower: Decimal, upper: Decimal) -> str:
    return "above" if actual > upper else "below" if actual < lower else "in range"


def render_scorecard(own: Score | None, backtest: Score | None, palette: Palette, currency: str) -> None:
    """Accuracy of past forecasts and of the backtest, beside the baseline "same as last month"."""
    with st.container(border=True):
        render_heading("Scorecard", "lines mark the targets" if own or backtest else "")
        past, held_out = st.columns(2, gap="large")
        with past:
            absent = "Each forecast is scored once its 30 days have passed."
            _render_score("Past forecasts", own, absent, palette, currency)
        with held_out:
            absent = "Needs two months of history: the second is forecast from the first."
            _render_score("Backtest", backtest, absent, palette, currency)


def _render_score(name: str, score: Score | None, absent: str, palette: Palette, currency: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.text(name, width="content")
        if score:
            st.caption(score.based_on, width="content")
    if score is None:
        st.caption(absent)
        return
    bars = list_bars(score)
    st.plotly_chart(
        shares(bars, palette),
        theme=None,
        key=f"score_{name}",
        config=config(currency),
        alt=f"{name}: {describe_bars(bars)}",
    )


def render_training(newest: pd.DataFrame, last_run: dict[str, Any] | None, zone: ZoneInfo) -> None:
    """Training data and model of the newest forecast, and the schedule of the nightly run."""
    if not newest.empty:
        run = newest.iloc[0]
        first, last = (date.fromisoformat(run[name]) for name in ("training_data_start", "training_data_end"))
        st.text(f"Trained on {format_days(first, last)}")
        st.caption(
            f"{plural((last - first).days + 1, 'day')}, {plural(int(run['training_record_count']), 'record')}"
        )
        st.text(f"Model {run['model_version']}")
    render_schedule(last_run, zone)


def render_schedule(last_run: dict[str, Any] | None, zone: ZoneInfo) -> None:
    """Times of the last and next nightly run, and the series it could not forecast."""
    if last_run:
        ran = datetime.fromisoformat(last_run["started_at"]).astimezone(zone)
        st.text(f"Last run: {format_day(ran.date())}, {ran:%H:%M}")
    st.caption(f"Next run: {NIGHTLY_AT}")
    left_out = forecast_step(last_run).get("models_left_out", 0)
    if left_out:
        verb = "is" if left_out == 1 else "are"
        st.caption(f"{plural(left_out, 'low-cost model')} {verb} included only in the total.")
    for failed in forecast_step(last_run).get("failed", [])[:5]:
        st.text(f"{failed['series']} could not be forecast: {failed['reason']}")


def render_waiting(last_run: dict[str, Any] | None, preferences: Preferences) -> None:
    """The reason why there is no forecast yet."""
    with st.container(border=True, gap="small", key="waiting"):
        if not preferences.forecast_enabled:
            render_heading("Forecasts are turned off")
            st.text("Turn them on under Settings. The first one is ready the next morning.")
            return
        too_short = forecast_step(last_run).get("too_little_history", [])
        short = next((series for series in too_short if series["series"] == "total"), None)
        if short:
            render_heading("Not enough history yet")
            needed = short["days"] + short["days_missing"]
            st.text(f"A forecast needs {plural(short['days_missing'], 'more day')} of usage.")
            st.progress(short["days"] / needed, f"{short['days']} of {plural(needed, 'day')}")
        else:
            render_heading("Your first forecast will be ready tomorrow morning")
            st.text("Forecasts are updated every night.")
        render_schedule(last_run, preferences.zone)
