"""Errors of forecasts of a series' last months, beside those of the baseline "same as last month"."""

from typing import TypedDict

import numpy as np

from forecasting.model.intervals import HORIZON_DAYS, calculate_total
from forecasting.model.level import Array, calculate_recent_level

MAX_MONTHS = 3  # each takes a fraction of a millisecond per series and run


class Backtest(TypedDict):
    """Held-out totals of `months` periods of 30 days; mean absolute errors and mean in dollars per period.

    `within_80` and `within_95` count the periods whose total was inside the predicted range.
    """

    months: int
    method: str
    error_usd: float
    same_as_last_month_error_usd: float
    mean_usd: float
    within_80: int
    within_95: int


def calculate_backtest(y: Array) -> Backtest | None:
    """Hold out the last months one by one; None for less than 60 days of history.

    Prophet is not fitted again, which would double the time of a run: recent means replace its trend.
    """
    months = min(len(y) // HORIZON_DAYS - 1, MAX_MONTHS)
    if months < 1:
        return None
    outcomes = [_hold_out(y[: len(y) - HORIZON_DAYS * month]) for month in range(months)]
    error, last_month_error, actual, within_80, within_95 = np.array(outcomes).T
    return Backtest(
        months=months,
        method="recent means without the fit, held out",
        error_usd=float(error.mean()),
        same_as_last_month_error_usd=float(last_month_error.mean()),
        mean_usd=float(actual.mean()),
        within_80=int(within_80.sum()),
        within_95=int(within_95.sum()),
    )


def _hold_out(y: Array) -> tuple[float, ...]:
    history, actual = y[:-HORIZON_DAYS], float(y[-HORIZON_DAYS:].sum())
    predicted = np.full(HORIZON_DAYS, calculate_recent_level(history))
    total = calculate_total(history, predicted, HORIZON_DAYS)
    return (
        abs(total.predicted - actual),
        abs(float(history[-HORIZON_DAYS:].sum()) - actual),
        actual,
        total.lower_80 <= actual <= total.upper_80,
        total.lower_95 <= actual <= total.upper_95,
    )
