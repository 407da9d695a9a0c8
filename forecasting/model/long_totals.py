"""Totals of periods longer than the calibrated 30 days, such as the rest of a quarter or a year.

Ranges are measured for up to 30 days. Beyond, the log ratio of actual to forecast of 30 days is widened a
little with the length: habits change, while single days even out. With this widening, 90%, 84% and 86% of
the totals of 60, 90 and 180 days of public series were inside their 80% range, and 96% to 99% inside their
95% range (45, 42 and 30 series). This is a first guess on few series, wide rather than narrow, and no
calibration.
"""

import numpy as np

from forecasting.model.intervals import FLOOR_SHARE, HORIZON_DAYS, Total, calculate_scale, calculate_total
from forecasting.model.level import Array
from forecasting.model.series import MAX_USD
from tally.core.quantile_levels import LEVELS

PATTERN_DAYS = 28  # weeks repeat, and the level is held
WIDENING = 0.1  # exponent of the length over 30 days
LOWER, UPPER = np.array(LEVELS) <= 0.1, np.array(LEVELS) >= 0.9


def extend_days(predicted: Array, days: int) -> Array:
    """Predict any number of days: the pattern of the first weeks goes on."""
    return np.resize(predicted[:PATTERN_DAYS], days)


def calculate_long_total(y: Array, predicted: Array, days: int, widening: float = WIDENING) -> Total:
    """Calculate the total of the first `days` days, however many; `predicted` has 30 of them at least."""
    if days <= HORIZON_DAYS:
        return calculate_total(y, predicted, days)
    all_days = extend_days(predicted, days)
    measured = calculate_total(y, predicted, HORIZON_DAYS)
    total = min(float(all_days.sum()), MAX_USD)
    scale = FLOOR_SHARE * calculate_scale(y)
    if total + scale == 0:
        return Total(0.0, (0.0,) * len(LEVELS))
    floor_of_30, floor = scale * HORIZON_DAYS, scale * days
    ratios = np.log((np.array(measured.quantiles) + floor_of_30) / (measured.predicted + floor_of_30))
    ratios *= (days / HORIZON_DAYS) ** widening
    quantiles = np.clip(np.exp(ratios) * (total + floor) - floor, 0, MAX_USD)
    quantiles[LOWER] = np.minimum(quantiles[LOWER], total)
    quantiles[UPPER] = np.maximum(quantiles[UPPER], total)
    return Total(total, tuple(quantiles.tolist()))
