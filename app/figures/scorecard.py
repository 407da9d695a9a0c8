"""How good the forecasts of a series were, of its nights and its backtest, and how "same as last month"."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

import pandas as pd

from tally.core.text import plural

LAST_MONTH_DAYS = 30


class Score(NamedTuple):
    """Errors of 30-day totals as a share of what was spent; how much came out in range. None = not known."""

    based_on: str
    unit: str  # what was in range or not
    error: float | None
    last_month_error: float | None
    in_80: float | None
    in_95: float | None


class Bar(NamedTuple):
    """A line of the scorecard's chart: a share, and for some the share that is aimed at."""

    label: str
    share: float
    aim: float | None = None
    is_own: bool = True


def score_nights(past: pd.DataFrame, spend_by_day: "pd.Series[float]", first_day: date) -> Score | None:
    """The 30-day totals that are over, against the 30 days before each; None where there is none yet.

    `spend_by_day` reaches back 30 days before the first of them; the series begins on `first_day`.
    """
    ended = past[past["kind"] == "next_30_days"]
    if ended.empty:
        return None
    lines = [
        (float(row["predicted_cost_usd"]), float(row["actual_cost_usd"]), row["period_start"])
        for row in ended.to_dict("records")
    ]
    comparable = [line for line in lines if line[2] - timedelta(days=LAST_MONTH_DAYS) >= first_day]
    compared = comparable or lines
    spent = sum(abs(actual) for _, actual, _ in compared)
    error = sum(abs(predicted - actual) for predicted, actual, _ in compared)
    last_month = sum(abs(_sum_before(spend_by_day, day) - actual) for _, actual, day in comparable)
    counted = ended[ended["days_in_80"].notna()]
    days = LAST_MONTH_DAYS * len(counted)
    return Score(
        plural(len(ended), "night"),
        "Days",
        error / spent if spent else None,
        last_month / spent if spent and comparable else None,
        counted["days_in_80"].sum() / days if days else None,
        counted["days_in_95"].sum() / days if days else None,
    )


def read_backtest(stored: Mapping[str, Any] | None) -> Score | None:
    """The backtest that is stored with a total; None of one that holds no totals."""
    stored = stored or {}
    months, mean = stored.get("months"), stored.get("mean_usd")
    if not months or not mean or "error_usd" not in stored:
        return None
    last_month, in_80, in_95 = (
        stored.get(name) for name in ("same_as_last_month_error_usd", "within_80", "within_95")
    )
    return Score(
        f"{plural(months, 'month')} held out",
        "Months",
        stored["error_usd"] / mean,
        None if last_month is None else last_month / mean,
        None if in_80 is None else in_80 / months,
        None if in_95 is None else in_95 / months,
    )


def first_day_needed(past: pd.DataFrame, today: date) -> date:
    """From when on daily spend is needed to compare the totals that are over."""
    ended = past[past["kind"] == "next_30_days"]
    return min(ended["period_start"], default=today) - timedelta(days=LAST_MONTH_DAYS)


def list_bars(score: Score) -> list[Bar]:
    """What of a score is known, as lines of a chart."""
    bars = [
        (score.error, "30-day total, off by", None, True),
        (score.last_month_error, "Same as last month, off by", None, False),
        (score.in_80, f"{score.unit} in the 80% range", 0.8, True),
        (score.in_95, f"{score.unit} in the 95% range", 0.95, True),
    ]
    return [Bar(label, share, aim, is_own) for share, label, aim, is_own in bars if share is not None]


def describe_bars(bars: Sequence[Bar]) -> str:
    """The same in words, for whoever cannot see the bars."""
    return ", ".join(f"{bar.label} {bar.share:.0%}" for bar in bars)


def _sum_before(spend_by_day: "pd.Series[float]", day: date) -> float:
    first, last = (pd.Timestamp(day - timedelta(days=ago)) for ago in (LAST_MONTH_DAYS, 1))
    return float(spend_by_day[(spend_by_day.index >= first) & (spend_by_day.index <= last)].sum())
