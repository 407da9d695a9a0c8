"""Weekday factors: what each weekday costs, as a multiple of the level, trusted as far as weeks agree."""

import numpy as np

from forecasting.model.level import RECENT_DAYS, Array, cap_outliers

MIN_WEEKS = 2
EVIDENCE = 2  # weekdays must differ by more than this times what chance explains
MAX_FACTOR = 2.5


def calculate_weekday_factors(y: Array) -> Array:
    """Seven factors with a mean of 1, the first for the day after the history, from its recent days."""
    return shrink_weekday_factors(cap_outliers(y)[-RECENT_DAYS:])


def shrink_weekday_factors(capped: Array) -> Array:
    """Seven factors with a mean of 1, the first for the day after these days.

    Shrunk towards 1 (James-Stein): spend without a weekly pattern gets no factors from its noise.
    """
    weeks = len(capped) // 7
    by_week = capped[len(capped) - 7 * weeks :].reshape(weeks, 7)
    level = float(by_week.mean()) if weeks else 0.0
    if weeks < MIN_WEEKS or level <= 0:
        return np.ones(7)
    differences = by_week - by_week.mean(axis=1, keepdims=True)
    effects = differences.mean(axis=0)
    variance = float((effects**2).sum()) / 6
    chance = float(((differences - effects) ** 2).sum()) / 6 / (weeks - 1) / weeks
    trust = max(0.0, 1 - EVIDENCE * chance / variance) if variance > 0 else 0.0
    factors: Array = np.minimum(1 + trust * effects / level, MAX_FACTOR)
    return np.maximum(factors, 0.0)  # rounding may lead to just below 0


def factors_of_past(factors: Array, days: int) -> Array:
    """The factors of the last `days` days of the history."""
    return np.resize(factors[::-1], days)[::-1]
