"""The stored forecasts: their newest values, and their summary in sentences."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from app.figures.forecast_series import ForecastSeries
from app.figures.limit_probability import (
    LIKELY,
    LimitProbability,
    calculate_limit_probability,
    format_probability,
    read_distribution,
)
from app.formats.dates import format_short_day
from app.formats.money import format_limit, format_plain
from tally.core.months import last_day_of_month
from tally.core.text import plural

# Steps of a nightly run that may leave something to the next one.
LEFT = {"renewals": "renewal", "collect": "connection"}
UNTOLD_PROBLEM = "Part of the last run failed for this workspace. Its admins see the reason here."
AFTER_NIGHTLY_RUN = "ready after the next nightly run"
WITHIN_A_MINUTE = "ready within a minute"
MONTHS_SHOWN = 3
PREDICTIONS_A_MONTH = 4
SHORT_SHOWN = 5


def newest_run(predictions: pd.DataFrame) -> pd.DataFrame:
    """The predictions of the newest run, by day."""
    if predictions.empty:
        return predictions
    newest = predictions.sort_values("created_at")["run_id"].iloc[-1]
    chosen: pd.DataFrame = predictions[predictions["run_id"] == newest]
    return chosen.sort_values("date")


def day_ahead_predictions(predictions: pd.DataFrame, today: date) -> pd.DataFrame:
    """For every past day the prediction of the last run before it."""
    day = predictions["date"]
    made_before = pd.to_datetime(predictions["training_data_end"]) < day
    past = predictions[made_before & (day < pd.Timestamp(today))]
    return past.sort_values(["date", "created_at"]).drop_duplicates("date", keep="last")


def find_total(totals: pd.DataFrame, series: ForecastSeries, kind: str, today: date) -> dict[str, Any] | None:
    """The newest total of a kind for a series, or None where it covers a period that is over."""
    chosen = totals[(totals["kind"] == kind) & of_series(totals, series)]
    for row in chosen.to_dict("records"):
        end = row["period_end"]
        is_current = end == last_day_of_month(today) if kind == "month_end" else end >= today
        return {str(name): value for name, value in row.items()} if is_current else None
    return None


def spread_over_months(known: pd.DataFrame) -> pd.DataFrame:
    """A few predictions of each of the last months, evenly spaced, instead of one per nightly run."""
    chosen = []
    for _, month in list(known.groupby("period_end", sort=False))[:MONTHS_SHOWN]:
        step = -(-len(month) // PREDICTIONS_A_MONTH)
        chosen.append(month.iloc[::step])
    return pd.concat(chosen) if chosen else known


def of_series(totals: pd.DataFrame, series: ForecastSeries) -> "pd.Series[bool]":
    """A mask of the rows of a series."""
    same = pd.Series(True, index=totals.index)
    for column, value in series.keys.items():
        same &= totals[column].isna() if value is None else totals[column] == value
    return same


def forecast_series(totals: pd.DataFrame) -> list[ForecastSeries]:
    """The series of the newest run: everything first, then providers, then models."""
    if totals.empty:
        return []
    newest = totals[totals["run_id"] == totals["run_id"].iloc[0]]
    found = {
        ForecastSeries(row["provider_id"] or None, row["model_name"] or None, row["project_id"] or None)
        for row in newest.to_dict("records")
    }
    return sorted(found, key=lambda series: (series.model_name or "", series.provider_id or ""))


def forecast_step(run: dict[str, Any] | None) -> dict[str, Any]:
    """The forecast step of a nightly run; empty without a run."""
    steps = run["steps"] if run else []
    return next((step for step in steps if step.get("step") == "forecast"), {})


def describe_wait(has_worker: bool) -> str:
    """The time when a forecast that is missing will be there."""
    return WITHIN_A_MINUTE if has_worker else AFTER_NIGHTLY_RUN


def explain_absence(run: dict[str, Any] | None, is_enabled: bool, has_worker: bool) -> str:
    """The reason why the total has no forecast, in a few words."""
    if not is_enabled:
        return "off in Settings"
    waiting = forecast_step(run).get("too_little_history", [])
    missing = next((short["days_missing"] for short in waiting if short["series"] == "total"), None)
    if missing:
        return f"needs {plural(missing, 'more day')}"
    return describe_wait(has_worker)


def describe_problems(run: dict[str, Any] | None) -> list[str]:
    """Sentences about what the last nightly run did not do, or not yet, for this workspace."""
    if run is None:
        return []
    told = [run["error"] or UNTOLD_PROBLEM] if run["status"] == "failed" else []
    for step in run["steps"]:
        left = step.get("left") or 0
        if left and step.get("step") in LEFT:
            told.append(f"{plural(left, LEFT[step['step']])} will follow in the next run.")
    return told


def describe_series(series: ForecastSeries, providers: Mapping[str, str]) -> str:
    """The name of a series; `providers` maps id to name."""
    if series.model_name is not None:
        return f"Model: {series.model_name}"
    if series.provider_id is not None:
        return f"Provider: {providers.get(series.provider_id, series.provider_id)}"
    return "Everything"


def describe_run_series(name: str, names: Mapping[str, str]) -> str:
    """A series as a nightly run calls it, in words; `names` maps slugs of providers and ids of projects."""
    kind, _, key = name.partition(":")
    return f"{kind.capitalize()} {names.get(key, key)}".strip()


def describe_too_short(run: dict[str, Any] | None, names: Mapping[str, str]) -> str:
    """A sentence about the series that have too little usage for their own forecast; may be empty."""
    waiting = [short["series"] for short in forecast_step(run).get("too_little_history", [])]
    shown = [describe_run_series(name, names) for name in waiting if name != "total"]
    if not shown or len(shown) < len(waiting):
        return ""
    more = f" and {len(shown) - SHORT_SHOWN} more" if len(shown) > SHORT_SHOWN else ""
    listed = ", ".join(shown[:SHORT_SHOWN])
    return f"Only in the total, with too few days of usage for a forecast: {listed}{more}."


def calculate_month_limit(
    total: dict[str, Any] | None,
    limit: Decimal | None,
    month_by_day: "pd.Series[float]",
    newest: pd.DataFrame,
    today: date,
) -> LimitProbability | None:
    """Compare the month with a limit; None where either is unknown.

    `month_by_day` is the spend of each day up to today, `newest` the predictions of the newest run.
    """
    if limit is None:
        return None
    spent = Decimal(str(round(month_by_day.sum(), 10)))
    if spent >= limit:
        reached = month_by_day[month_by_day.cumsum().round(10) >= float(limit)]
        day = None if reached.empty else pd.Timestamp(str(reached.index[0])).date()
        return LimitProbability(limit, 1.0, day)
    if total is None:
        return None
    days = newest[(newest["date"].dt.date >= today) & (newest["date"].dt.date <= last_day_of_month(today))]
    predicted = dict(zip(days["date"].dt.date, days["predicted"].astype(float), strict=True))
    if today in predicted:
        predicted[today] = max(0.0, predicted[today] - float(month_by_day.iloc[-1]))
    return calculate_limit_probability(read_distribution(total), limit, spent, predicted)


def describe_limit(outcome: LimitProbability, currency: str, today: date) -> str:
    """The probability of exceeding a limit, with the day where that is more likely than not."""
    limit = format_limit(outcome.limit, currency)
    on_day = f" on {format_short_day(outcome.day, today)}" if outcome.day else ""
    if outcome.probability == 1:
        return f"exceeded {limit}{on_day}"
    sentence = f"{format_probability(outcome.probability)} chance of exceeding {limit}"
    is_likely = outcome.probability >= LIKELY and outcome.day is not None
    return f"{sentence}, most likely{on_day}" if is_likely else sentence


def describe_month(
    total: dict[str, Any], outcome: LimitProbability | None, currency: str, today: date
) -> str:
    """The forecast of the month in one sentence."""
    names = ("lower_bound_80", "predicted_cost_usd", "upper_bound_80")
    lower, middle, upper = (format_plain(total[name], currency) for name in names)
    sentence = f"{today:%B} will most likely end at {middle}, between {lower} and {upper}"
    if lower == upper:
        sentence = f"{today:%B} will end at {middle}"
    if outcome:
        subject = "it " if outcome.probability == 1 else ""
        sentence += f"; {subject}{describe_limit(outcome, currency, today)}"
    return f"{sentence}."
