"""Forecasts of totals, brought up to date with what has been saved since they were made."""

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from app.figures.forecast_series import ForecastSeries
from app.figures.outlook import of_series
from tally.core.live_total import SpentSoFar, StoredTotal, calculate_live_total
from tally.core.months import last_day_of_month

AMOUNTS = ("lower_bound_95", "lower_bound_80", "predicted_cost_usd", "upper_bound_80", "upper_bound_95")


def bring_up_to_date(
    totals: pd.DataFrame,
    series: ForecastSeries,
    spent_by_day: "pd.Series[float]",
    newest: pd.DataFrame,
    today: date,
) -> pd.DataFrame:
    """The totals, with the series' newest month end and next 30 days as they are now.

    Their amounts move together. `spent_by_day` is the spend of each day to today, from the first day of the
    month or of the 30 days on; `newest` has the series' newest predictions by day; all in the same currency.
    """
    moved = totals
    for kind, is_current in (
        ("month_end", totals["period_end"] == last_day_of_month(today)),
        ("next_30_days", (totals["period_start"] <= today) & (totals["period_end"] >= today)),
    ):
        chosen = (totals["kind"] == kind) & is_current & of_series(totals, series)
        if not chosen.any():
            continue
        place = int(chosen.to_numpy().argmax())  # the newest comes first
        total = totals.iloc[[place]].to_dict("records")[0]
        spent = _sum_up(spent_by_day, total["period_start"])
        moved = totals.copy() if moved is totals else moved
        for name, value in _move(total, spent, _predicted_days(newest), today).items():
            moved.at[moved.index[place], name] = value
    return moved


def _move(total: dict[Any, Any], spent: SpentSoFar, days: dict[date, Decimal], today: date) -> dict[str, Any]:
    """The columns that change; no amount is below what is spent."""
    stored = StoredTotal(total["predicted_cost_usd"], total["spent_usd"], days)
    change = calculate_live_total(stored, spent, today) - stored.predicted

    def move(amount: Decimal) -> Decimal:
        return max(amount + change, spent.total)

    quantiles = total["quantiles"] and [move(amount) for amount in total["quantiles"]]
    return {
        **{name: move(total[name]) for name in AMOUNTS},
        "quantiles": quantiles,
        "spent_usd": spent.before_today,
    }


def _sum_up(spent_by_day: "pd.Series[float]", first: date) -> SpentSoFar:
    today = _exact(spent_by_day.iloc[-1])
    return SpentSoFar(_exact(spent_by_day[spent_by_day.index >= pd.Timestamp(first)].sum()) - today, today)


def _predicted_days(newest: pd.DataFrame) -> dict[date, Decimal]:
    predicted = newest["predicted"].astype(float)
    return dict(zip(newest["date"].dt.date, map(_exact, predicted), strict=True))


def _exact(amount: float) -> Decimal:
    return Decimal(str(round(float(amount), 10)))
