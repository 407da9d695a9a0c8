"""Cards on the accuracy of earlier forecasts."""

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import streamlit as st

from app.figures.outlook import spread_over_months
from app.figures.scorecard import Score, describe_bars, list_coverages, list_errors
from app.formats.counts import format_percent_change
from app.formats.dates import format_month
from app.formats.text import DASH
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.charts import config, earlier_predictions, shares
from app.ui.line_list import render_lines
from app.ui.theme import Palette
from tally.core.text import plural

LOW_IS_GOOD = "low is good"
NEAR_IS_GOOD = "near the line is good"
SOON = "ready two days after the first forecast"


def render_accuracy(predicted: pd.DataFrame, history: pd.Series) -> None:
    """Share of past days whose spend was inside the 80% range predicted the night before."""
    actual = predicted["date"].map(history)
    is_inside = (actual >= predicted["lower_80"]) & (actual <= predicted["upper_80"])
    known = int(actual.notna().sum())
    st.metric(
        "Past days in range",
        f"{int(is_inside.sum())} of {known}" if known else DASH,
        "Target: 80%" if known else SOON,
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
        format_percent_change(100 * (forecast / spent - 1)) if spent > 0 else DASH,
        f"over {plural(int(actual.notna().sum()), 'day')}" if spent > 0 else SOON,
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
            "actual": row["actual_cost_usd"],
            "range": (row["lower_bound_80"], row["upper_bound_80"]),
            "verdict": _judge(row["actual_cost_usd"], row["lower_bound_80"], row["upper_bound_80"]),
            "made": pd.Timestamp(row["created_at"]).date(),
        }
        for row in spread_over_months(known).to_dict("records")
    ]
    kinds = {
        "month": columns.day("Month", format_month),
        "predicted": columns.money("Predicted", currency),
        "actual": columns.money("Actual", currency),
        "range": columns.money_range("80% range", currency),
        "verdict": columns.text("Result"),
        "made": columns.day("Made on"),
    }
    frame = pd.DataFrame(lines, dtype=object)
    render_lines(frame, kinds, "Earlier predictions of a month's total beside actual spend", "earlier")


def _judge(actual: Decimal, lower: Decimal, upper: Decimal) -> str:
    return "above" if actual > upper else "below" if actual < lower else "in range"


def render_scorecard(own: Score | None, backtest: Score | None, palette: Palette, currency: str) -> None:
    """Accuracy of past forecasts and of the backtest, beside the baseline "same as last month"."""
    with st.container(border=True):
        render_heading("Scorecard")
        past, held_out = st.columns(2, gap="large")
        with past:
            absent = "Each forecast is scored once its 30 days have passed."
            _render_score("Past forecasts", own, absent, palette, currency)
        with held_out:
            absent = "Needs two months of history: the second is forecast from the first."
            _render_score("Backtest", backtest, absent, palette, currency)


def _render_score(name: str, score: Score | None, absent: str, palette: Palette, currency: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(name, anchor=False, width="content")
        if score:
            st.caption(score.based_on, width="content")
    if score is None:
        st.caption(absent)
        return
    measures = {
        "Off by, in percent of spend": (LOW_IS_GOOD, list_errors(score), palette.series[1]),
        "Within the range": (NEAR_IS_GOOD, list_coverages(score), palette.accent),
    }
    for measure, (meaning, bars, colour) in measures.items():
        if not bars:
            continue
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.text(measure, width="content")
            st.caption(meaning, width="content")
        st.plotly_chart(
            shares(bars, replace(palette, accent=colour)),
            theme=None,
            key=f"score_{name}_{measure}",
            config=config(currency),
            alt=f"{name}, {measure}, {meaning}: {describe_bars(bars)}",
        )
