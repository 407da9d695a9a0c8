"""Forecast accuracy of a series: its nightly runs, its backtest, and the baseline "same as last month"."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import pandas as pd

from tally.core.text import plural

PERIOD_DAYS = 30


class Score(NamedTuple):
    """Errors of 30-day totals as shares of actual spend, and shares within ranges; None where unknown."""

    based_on: str
    unit: str  # what `in_80` and `in_95` are shares of
    error: float | None
    last_month_error: float | None
    in_80: float | None
    in_95: float | None


class Bar(NamedTuple):
    """A bar of the scorecard: a share, with its target where there is one."""

    label: str
    share: float
    target: float | None = None
    is_own: bool = True


class PastTotal(NamedTuple):
    """A forecast of 30 days that have passed, beside actual spend, in US dollars."""

    predicted: float
    actual: float
    first_day: date


def score_runs(past: pd.DataFrame, spend_by_day: "pd.Series[float]", first_day: date) -> Score | None:
    """Score the 30-day totals whose period is over; None while there are none.

    `spend_by_day` starts 30 days before the first of them; the series itself starts on `first_day`.
    """
    ended = _select_ended(past)
    if ended.empty:
        return None
    totals = [
        PastTotal(float(row["predicted_cost_usd"]), float(row["actual_cost_usd"]), row["period_start"])
        for row in ended.to_dict("records")
    ]
    error, last_month_error = _score_totals(totals, spend_by_day, first_day)
    counted = ended[ended["days_in_80"].notna()]
    return Score(
        plural(len(ended), "nightly run"),
        "Days",
        error,
        last_month_error,
        _share_in_range(counted["days_in_80"]),
        _share_in_range(counted["days_in_95"]),
    )


def _score_totals(
    totals: Sequence[PastTotal], spend_by_day: "pd.Series[float]", first_day: date
) -> tuple[float | None, float | None]:
    """The relative error of the forecasts and of "same as last month".

    Both use only the totals with a month of data before them, if there are any: only these can be compared.
    """
    comparable = [total for total in totals if total.first_day - timedelta(days=PERIOD_DAYS) >= first_day]
    compared = comparable or totals
    spent = sum(abs(total.actual) for total in compared)
    if not spent:
        return None, None
    error = sum(abs(total.predicted - total.actual) for total in compared)
    if not comparable:
        return error / spent, None
    baseline = sum(abs(_sum_before(spend_by_day, total.first_day) - total.actual) for total in comparable)
    return error / spent, baseline / spent


def _share_in_range(days_in_range: "pd.Series[Any]") -> float | None:
    """The share of all forecast days that ended within a range."""
    if days_in_range.empty:
        return None
    return float(days_in_range.sum()) / (PERIOD_DAYS * len(days_in_range))


def read_backtest(stored: Mapping[str, Any] | None) -> Score | None:
    """The score of the backtest stored with a total; None where that has no totals."""
    stored = stored or {}
    months, mean = stored.get("months"), stored.get("mean_usd")
    if not months or not mean or "error_usd" not in stored:
        return None
    few = ": too little to judge by" if months == 1 else ""
    return Score(
        f"tested on {plural(months, 'past month')}{few}",
        "Months",
        stored["error_usd"] / mean,
        _divide(stored.get("same_as_last_month_error_usd"), mean),
        _divide(stored.get("within_80"), months),
        _divide(stored.get("within_95"), months),
    )


def _divide(value: float | None, by: float) -> float | None:
    return None if value is None else value / by


def first_day_needed(past: pd.DataFrame, today: date) -> date:
    """The first day whose spend is needed to score the totals that are over."""
    return min(_select_ended(past)["period_start"], default=today) - timedelta(days=PERIOD_DAYS)


def list_errors(score: Score) -> list[Bar]:
    """Errors of 30-day totals as bars; short ones are good."""
    bars = [(score.error, "30-day total", True), (score.last_month_error, "Same as last month", False)]
    return [Bar(label, share, is_own=is_own) for share, label, is_own in bars if share is not None]


def list_coverages(score: Score) -> list[Bar]:
    """Shares within ranges as bars with their targets."""
    bars = [
        (score.in_80, f"{score.unit} in the 80% range", 0.8),
        (score.in_95, f"{score.unit} in the 95% range", 0.95),
    ]
    return [Bar(label, share, target) for share, label, target in bars if share is not None]


def describe_bars(bars: Sequence[Bar]) -> str:
    """The bars as text, for screen readers."""
    return ", ".join(f"{bar.label} {bar.share:.0%}" for bar in bars)


def _select_ended(past: pd.DataFrame) -> pd.DataFrame:
    return past[past["kind"] == "next_30_days"]


def _sum_before(spend_by_day: "pd.Series[float]", day: date) -> float:
    first, last = (pd.Timestamp(day - timedelta(days=ago)) for ago in (PERIOD_DAYS, 1))
    return float(spend_by_day[(spend_by_day.index >= first) & (spend_by_day.index <= last)].sum())
