"""How the forecast would have done lately: the last days held out and forecast from the days before them."""

from typing import TypedDict

import numpy as np

from forecasting.intervals import Array, calculate_daily_bounds

HELD_OUT_DAYS = 14


class Backtest(TypedDict):
    """Figures over `days` held-out days; MAE and mean in dollars a day, coverage in percent of the days."""

    days: int
    method: str
    mae_usd: float
    mean_usd: float
    coverage_80: float
    coverage_95: float


def calculate_backtest(y: Array) -> Backtest:
    """Score the recent-means level and the daily bounds on held-out days.

    Prophet is not fitted a second time, which would double the night: its trend and weekly term take no part.
    """
    held_out = min(HELD_OUT_DAYS, len(y) // 2)
    history, actual = y[:-held_out], y[-held_out:]
    level = (history[-7:].mean() + history[-28:].mean()) / 2
    predicted = np.full(held_out, level)
    bounds = calculate_daily_bounds(history, predicted)
    return Backtest(
        days=held_out,
        method="recent means, held out",
        mae_usd=float(np.abs(actual - predicted).mean()),
        mean_usd=float(actual.mean()),
        coverage_80=_percent_within(actual, bounds.lower_80, bounds.upper_80),
        coverage_95=_percent_within(actual, bounds.lower_95, bounds.upper_95),
    )


def _percent_within(actual: Array, lower: Array, upper: Array) -> float:
    return round(100 * float(((actual >= lower) & (actual <= upper)).mean()), 1)
