"""Prediction intervals for days and totals, calibrated on public series, and the confidence in a total.

Daily bounds: recent quantiles rescaled to the forecast level, plus conformal offsets (conformalized quantile
regression). Totals: conformal quantiles of the log ratio of actual to forecast, wider for volatile series.

Coverage with constants measured on other series: 83% and 96% of 30-day totals are inside their 80% and 95%
ranges, 95% of days inside their 95% range, and 11% of days above their 80% range. More than 80% of days are
inside it, because many days cost $0 and cannot fall below it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecasting.model.calibration import DAILY_LEVELS, Calibration, load_calibration
from forecasting.model.level import RECENT_DAYS, Array
from forecasting.model.series import MAX_USD
from tally.core.quantile_levels import LEVELS

HORIZON_DAYS = 30
FLOOR_SHARE = 0.1  # of the scale; added to both sides of a ratio, which is undefined without spend
MIN_VOLATILITY = 0.15
MAX_VARIATION = 0.6  # beyond this, more variation adds no information about the next month
LONG_HISTORY_DAYS = 120  # longer histories are less volatile
DISCOUNT_EXPONENT = 0.3
LOWER, UPPER = np.array(LEVELS) <= 0.1, np.array(LEVELS) >= 0.9


class DailyBounds(NamedTuple):
    """Bounds of the days of a forecast, one array per bound."""

    lower_95: Array
    lower_80: Array
    upper_80: Array
    upper_95: Array


@dataclass(frozen=True, slots=True)
class Total:
    """A period's predicted sum and its quantiles at LEVELS, including the four bounds.

    Summed daily bounds would be too wide: they assume that every day is off in the same direction.
    """

    predicted: float
    quantiles: tuple[float, ...]

    @property
    def lower_95(self) -> float:
        return self.quantiles[LEVELS.index(0.025)]

    @property
    def lower_80(self) -> float:
        return self.quantiles[LEVELS.index(0.1)]

    @property
    def upper_80(self) -> float:
        return self.quantiles[LEVELS.index(0.9)]

    @property
    def upper_95(self) -> float:
        return self.quantiles[LEVELS.index(0.975)]


def calculate_daily_bounds(y: Array, predicted: Array, calibration: Calibration | None = None) -> DailyBounds:
    """Calculate the bounds of each predicted day."""
    offsets = (calibration or load_calibration()).daily_offsets(len(y))
    bounds = np.clip(calculate_recent_quantiles(y, predicted) + offsets * calculate_scale(y), 0, MAX_USD)
    lower_95, lower_80, upper_80, upper_95 = np.maximum.accumulate(bounds)
    return DailyBounds(
        np.minimum(lower_95, predicted),
        np.minimum(lower_80, predicted),
        np.maximum(upper_80, predicted),
        np.maximum(upper_95, predicted),
    )


def calculate_total(y: Array, predicted: Array, days: int, calibration: Calibration | None = None) -> Total:
    """Calculate the total of the first `days` predicted days; for 0 days it is exactly $0."""
    if not days:
        return Total(0.0, (0.0,) * len(LEVELS))
    scale = calculate_scale(y)
    ratios = (calibration or load_calibration()).total_ratios(days) * calculate_volatility(y, predicted)
    total, floor = min(float(predicted[:days].sum()), MAX_USD), FLOOR_SHARE * scale * days
    quantiles = np.clip(np.exp(ratios) * (total + floor) - floor, 0, MAX_USD)
    # Ranges must contain the prediction; for skewed spend the quantiles may not.
    quantiles[LOWER] = np.minimum(quantiles[LOWER], total)
    quantiles[UPPER] = np.maximum(quantiles[UPPER], total)
    return Total(total, tuple(quantiles.tolist()))


def calculate_confidence(y: Array, predicted: Array, calibration: Calibration | None = None) -> float:
    """Expected ratio of the smaller to the larger of predicted and actual total, from 0 to 1."""
    intercept, slope = (calibration or load_calibration()).confidence
    return min(max(intercept + slope * calculate_volatility(y, predicted), 0.0), 1.0)


def calculate_volatility(y: Array, predicted: Array) -> float:
    """Weekly and daily variation of spend plus its distance from the forecast, discounted by history."""
    recent = y[-RECENT_DAYS:]
    mean, floor = float(recent.mean()), FLOOR_SHARE * calculate_scale(y)
    if floor <= 0:
        return MIN_VOLATILITY * _history_discount(len(y))
    weeks = recent[len(recent) % 7 :].reshape(-1, 7).mean(axis=1)
    steps = np.abs(np.diff(np.log(weeks + floor)))
    variation = (steps.mean() if len(steps) else 0) + (recent.std() / mean / 4 if mean > 0 else 0)
    departure = abs(np.log((predicted.mean() + floor) / (mean + floor)))
    volatility = MIN_VOLATILITY + min(variation, MAX_VARIATION) + departure / 2
    return float(volatility * _history_discount(len(y)))


def _history_discount(history_days: int) -> float:
    return float((LONG_HISTORY_DAYS / max(history_days, LONG_HISTORY_DAYS)) ** DISCOUNT_EXPONENT)


def calculate_scale(y: Array) -> float:
    """Typical dollars per day: the larger of mean and spread, averaged over recent and all days."""
    recent = y[-RECENT_DAYS:]
    return float(max(recent.mean() + y.mean(), recent.std() + y.std())) / 2


def calculate_recent_quantiles(y: Array, predicted: Array) -> Array:
    """Quantiles of the recent days at DAILY_LEVELS, rescaled to the level of the forecast."""
    recent = y[-RECENT_DAYS:]
    mean = recent.mean()
    rescale = np.clip(predicted.mean() / mean, 0.5, 2) if mean > 0 else 1.0
    quantiles: Array = np.quantile(recent, DAILY_LEVELS) * rescale
    return quantiles
