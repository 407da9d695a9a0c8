"""The recent level of spend, robust against outliers."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RECENT_DAYS = 56
CAP_QUANTILE = 0.75  # of the recent days with spend; higher days are too rare to define the level
MIN_CAP = 1.75  # times the median of those days, so that ordinary days of steady spend are not capped
SMOOTHED_DAYS = 120
SMOOTHING = (0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8)


def cap_outliers(y: Array) -> Array:
    """Cap the history at a high quantile of recent days; many higher days in eight weeks raise the cap."""
    recent = y[-RECENT_DAYS:]
    spending = recent[recent > 0]
    if not len(spending):
        return np.zeros(len(y))
    highest = max(np.quantile(spending, CAP_QUANTILE), MIN_CAP * np.median(spending))
    capped: Array = np.minimum(y, highest)
    return capped


def calculate_levels(capped: Array) -> tuple[float, float, float]:
    """Dollars per day by three measures: mean of the last week, of the last four weeks, and smoothed."""
    return float(capped[-7:].mean()), float(capped[-28:].mean()), smooth_level(capped)


def smooth_level(capped: Array) -> float:
    """Simple exponential smoothing, with the weight of the newest day that predicted the past days best."""
    days = capped[-SMOOTHED_DAYS:].tolist()
    first = sum(days[:7]) / len(days[:7])
    # Plain floats: for so few days they are faster than arrays.
    return min(_smooth(days, first, weight) for weight in SMOOTHING)[1]


def _smooth(days: list[float], level: float, weight: float) -> tuple[float, float]:
    """Squared error and last level."""
    error = 0.0
    for day in days:
        difference = day - level
        error += difference * difference
        level += weight * difference
    return error, level


def calculate_recent_level(y: Array) -> float:
    """Dollars per day without a fit: the median of three measures."""
    return float(np.median(calculate_levels(cap_outliers(y))))
