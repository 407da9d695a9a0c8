"""Ranges of a week's forecast: summed daily bounds would be too wide, as days are off in both directions.

A week's upper bounds are its share of those of the next 30 days. Its lower bounds are further away, as single
weeks of sparse spend often cost little. On public series, 76% to 78% of weeks are inside the 80% range so
made and 96% inside the 95% range; with summed daily bounds it would be 88% to 90% and 97%.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

FLOOR = 0.1  # of the prediction; added to both sides of a ratio that may be 0
LOWER_EXPONENT = 2
SMALLEST = 1e-10  # the unit in which amounts are stored


class TotalRatios(NamedTuple):
    """Bounds of a predicted total as multiples of the prediction, without known renewals."""

    lower_95: float
    lower_80: float
    upper_80: float
    upper_95: float


def calculate_ratios(total: Mapping[str, Any] | None, renewals: float) -> TotalRatios | None:
    """The ratios of a stored total of 30 days without the renewals in it; None where these are all."""
    if total is None:
        return None
    metered = float(total["predicted_cost_usd"]) - renewals
    if metered < SMALLEST:
        return None
    names = ("lower_bound_95", "lower_bound_80", "upper_bound_80", "upper_bound_95")
    return TotalRatios(*(max(float(total[name]) - renewals, 0.0) / metered for name in names))


def range_weeks(weeks: pd.DataFrame, ratios: TotalRatios | None) -> pd.DataFrame:
    """Replace the bounds of weeks of predicted days, given as daily means; without ratios they stay."""
    if ratios is None or weeks.empty:
        return weeks
    known = weeks["renewals"]
    metered = (weeks["predicted"] - known).clip(lower=0)
    bounds = {name: known + metered * _range_week(name, ratio) for name, ratio in ratios._asdict().items()}
    return weeks.assign(**bounds)


def _range_week(name: str, ratio: float) -> float:
    if name.startswith("upper"):
        return max(ratio, 1.0)
    share = min((ratio + FLOOR) / (1 + FLOOR), 1.0) ** LOWER_EXPONENT
    return max((1 + FLOOR) * share - FLOOR, 0.0)
