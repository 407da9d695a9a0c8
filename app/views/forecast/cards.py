"""The cards of the forecast page."""

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
from app.formats.money import format_figure, format_money, format_money_range
from app.formats.text import DASH
from app.ui.cards import render_heading
from app.ui.charts import config, earlier_predictions, shares
from app.ui.theme import Palette
from tally.core.text import plural

NIGHTLY_AT = "03:15"
COLUMN = st.column_config


def render_total(label: str, total: dict[str, Any] | None, currency: str) -> None:
    """A predicted total with the range it falls into 4 times of 5."""
    st.metric(
        label,
        format_figure(total["predicted_cost_usd"], currency) if total else DASH,
        format_money_range(total["lower_bound_80"], total["upper_bound_80"], currency)
        if total
        else "after the next night",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
        help=_explain(total, currency) if total else None,
    )


def _explain(total: dict[str, Any], currency: str) -> str:
    wide = format_money_range(total["lower_bound_95"], total["upper_bound_95"], currency)
    days = format_days(total["period_start"], total["period_end"])
    return f"{days}. 4 times of 5 it ends inside this range, and 19 times of 20 inside {wide}.".replace(
        "$", r"\$"
    )


def render_accuracy(predicted: pd.DataFrame, history: pd.Series) -> None:
    """On how many past days the spend was inside the 80% range of the night before."""
    actual = predicted["date"].map(history)
    is_inside = (actual >= predicted["lower_80"]) & (actual <= predicted["upper_80"])
    known = int(actual.notna().sum())
    st.metric(
        "Past days in range",
        f"{int(is_inside.sum())} of {known}" if known else DASH,
        "80% is the aim" if known else "after a few nights",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )


def render_bias(predicted: pd.DataFrame, history: pd.Series) -> None:
    """By how much the predictions of all past days together were too high or too low."""
    actual = predicted["date"].map(history)
    spent = float(actual.sum())
    foreseen = float(predicted.loc[actual.notna(), "predicted"].sum())
    st.metric(
        "Predicted vs spent",
        f"{foreseen / spent - 1:+.1%}" if spent > 0 else DASH,
        f"over {plural(int(actual.notna().sum()), 'day')}" if spent > 0 else "after a few nights",
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
    )


def render_earlier_predictions(
    history: pd.Series, predicted: pd.DataFrame, palette: Palette, currency: str
) -> None:
    """Past days as the night before had predicted them, and as they were."""
    with st.container(border=True):
        render_heading("Earlier predictions", "what the night before had said")
        st.plotly_chart(
            earlier_predictions(
                history[history.index >= predicted["date"].min()], predicted, palette, currency
            ),
            theme=None,
            key="earlier",
            config=config(currency),
            alt="For each past day what had been predicted and what was spent.",
        )


def render_earlier_totals(known: pd.DataFrame, currency: str) -> None:
    """Month ends that were predicted once and are known now."""
    if known.empty:
        st.caption("Predictions of a month's total are held against what was spent when the month is over.")
        return
    lines = [
        {
            "month": f"{row['period_end']:%b %Y}",
            "predicted": format_money(row["predicted_cost_usd"], currency),
            "spent": format_money(row["actual_cost_usd"], currency),
            "range": format_money_range(row["lower_bound_80"], row["upper_bound_80"], currency),
            "verdict": _verdict(row["actual_cost_usd"], row["lower_bound_80"], row["upper_bound_80"]),
            "made": format_day(pd.Timestamp(row["created_at"]).date()),
        }
        for row in spread_over_months(known).to_dict("records")
    ]
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        height="content",
        alt="Earlier predictions of a month's total against what was spent",
        column_config={
            "month": COLUMN.TextColumn("Month", pinned=True),
            "made": COLUMN.TextColumn("Made on"),
            "predicted": COLUMN.TextColumn("Predicted", alignment="right"),
            "range": COLUMN.TextColumn("80% range"),
            "spent": COLUMN.TextColumn("Spent", alignment="right"),
            "verdict": COLUMN.TextColumn("Result"),
        },
    )


def _verdict(actual: Decimal, lower: Decimal, upper: Decimal) -> str:
    return "above" if actual > upper else "below" if actual < lower else "in range"


def render_scorecard(own: Score | None, backtest: Score | None, palette: Palette, currency: str) -> None:
    """How good the stored nights were, and beside them the backtest, against "same as last month"."""
    with st.container(border=True):
        render_heading("Scorecard", "lines mark the aim" if own or backtest else "")
        nights, held_out = st.columns(2, gap="large")
        with nights:
            absent = "A night's total is held against what was spent when its 30 days are over."
            _render_score("Your nights", own, absent, palette, currency)
        with held_out:
            absent = "With two months of history the second is forecast from the first."
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


def render_origin(newest: pd.DataFrame, night: dict[str, Any] | None, zone: ZoneInfo) -> None:
    """What the newest run was trained on, when it ran and when the next one comes."""
    if not newest.empty:
        run = newest.iloc[0]
        first, last = (date.fromisoformat(run[name]) for name in ("training_data_start", "training_data_end"))
        st.text(f"Trained on {format_days(first, last)}")
        st.caption(
            f"{plural((last - first).days + 1, 'day')}, {plural(int(run['training_record_count']), 'record')}"
        )
        st.text(f"Model {run['model_version']}")
    render_schedule(night, zone)


def render_schedule(night: dict[str, Any] | None, zone: ZoneInfo) -> None:
    """When the nightly run was and will be, and which series it could not forecast."""
    if night:
        ran = datetime.fromisoformat(night["started_at"]).astimezone(zone)
        st.text(f"Last ran {format_day(ran.date())}, {ran:%H:%M}")
    st.caption(f"Runs next at {NIGHTLY_AT}, as every night.")
    left_out = forecast_step(night).get("models_left_out", 0)
    if left_out:
        st.caption(f"{plural(left_out, 'cheaper model')} not forecast alone; the total has them all.")
    for failed in forecast_step(night).get("failed", [])[:5]:
        st.text(f"{failed['series']} could not be forecast: {failed['reason']}")


def render_waiting(night: dict[str, Any] | None, preferences: Preferences) -> None:
    """Why there is no forecast yet, and what is missing."""
    with st.container(border=True, gap="small", key="waiting"):
        if not preferences.forecast_enabled:
            render_heading("Forecasts are switched off")
            st.text("Switch them on under Settings; the next night makes one.")
            return
        short = next(
            (it for it in forecast_step(night).get("too_little_history", []) if it["series"] == "total"), None
        )
        if short:
            render_heading("Not enough history yet")
            needed = short["days"] + short["days_missing"]
            st.text(f"{plural(short['days_missing'], 'more day')} of usage and there will be a forecast.")
            st.progress(short["days"] / needed, f"{short['days']} of {plural(needed, 'day')}")
        else:
            render_heading("The first forecast comes tonight")
            st.text("Tally looks at your records every night and then says what is to come.")
        render_schedule(night, preferences.zone)
