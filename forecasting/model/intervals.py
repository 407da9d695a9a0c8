"""How far off a forecast may be: ranges of days and totals that held on public series, and how sure that is.

Days: the quantiles of the recent days, moved to the forecast's level, plus offsets that make them hold as
often as they say (conformalized quantile regression). Totals: ratios of outcome to forecast as they came out,
wider for spend that is restless. With constants measured on other series, the 80% and 95% ranges of 30-day
totals hold 83% and 96% of the time, the 95% ranges of days 95%, and 11% of days lie above their 80% range.
More than 80% of days lie inside it, since many cost nothing: one of $0 cannot fall below $0.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecasting.model.calibration import DAILY_LEVELS, Calibration, load_calibration
from forecasting.model.level import RECENT_DAYS, Array
from forecasting.model.series import LARGEST_USD
from tally.core.quantile_levels import LEVELS

HORIZON_DAYS = 30
FLOOR = 0.1  # of the scale, added to both sides of a ratio: it stays defined for weeks that cost nothing
LEAST_UNREST = 0.15
MOST_VARIATION = 0.6  # weeks and days that differ more than this say no more about the next month
LONG_DAYS = 120  # what went on for longer goes on more steadily
STEADYING = 0.3
LOWER, UPPER = np.array(LEVELS) <= 0.1, np.array(LEVELS) >= 0.9


class Daily(NamedTuple):
    """Bounds of every day, each as long as the forecast."""

    lower_95: Array
    lower_80: Array
    upper_80: Array
    upper_95: Array


@dataclass(frozen=True, slots=True)
class Total:
    """A period's sum and its distribution: the amounts that it stays below with the chances LEVELS.

    Daily bounds summed would have every day go wrong at once. The bounds are four of the quantiles.
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


def calculate_daily_bounds(y: Array, predicted: Array, calibration: Calibration | None = None) -> Daily:
    """The range of each of the predicted days."""
    offsets = (calibration or load_calibration()).daily_offsets(len(y))
    bounds = np.clip(calculate_recent_quantiles(y, predicted) + offsets * calculate_scale(y), 0, LARGEST_USD)
    lower_95, lower_80, upper_80, upper_95 = np.maximum.accumulate(bounds)
    return Daily(
        np.minimum(lower_95, predicted),
        np.minimum(lower_80, predicted),
        np.maximum(upper_80, predicted),
        np.maximum(upper_95, predicted),
    )


def calculate_total(y: Array, predicted: Array, days: int, calibration: Calibration | None = None) -> Total:
    """The sum of the first of the predicted days. No days left: nothing, for certain."""
    if not days:
        return Total(0.0, (0.0,) * len(LEVELS))
    scale = calculate_scale(y)
    ratios = (calibration or load_calibration()).total_ratios(days) * _unrest_of(y, predicted, scale)
    total, floor = min(float(predicted[:days].sum()), LARGEST_USD), FLOOR * scale * days
    quantiles = np.clip(np.exp(ratios) * (total + floor) - floor, 0, LARGEST_USD)
    # The ranges that are shown contain the prediction, also where skewed spend would have them beside it.
    quantiles[LOWER] = np.minimum(quantiles[LOWER], total)
    quantiles[UPPER] = np.maximum(quantiles[UPPER], total)
    return Total(total, tuple(quantiles.tolist()))


def calculate_confidence(y: Array, predicted: Array, calibration: Calibration | None = None) -> float:
    """From 0 to 1: what share of the larger of predicted and actual total the smaller is expected to be."""
    at_rest, by_unrest = (calibration or load_calibration()).confidence
    return min(max(at_rest + by_unrest * calculate_unrest(y, predicted), 0.0), 1.0)


def calculate_unrest(y: Array, predicted: Array) -> float:
    """How much spend moves: by its weeks, its days and its distance from the forecast; less after long."""
    return _unrest_of(y, predicted, calculate_scale(y))


def _unrest_of(y: Array, predicted: Array, scale: float) -> float:
    recent = y[-RECENT_DAYS:]
    mean, floor = float(recent.mean()), FLOOR * scale
    if floor <= 0:
        return LEAST_UNREST * _calm_of_age(len(y))
    weeks = recent[len(recent) % 7 :].reshape(-1, 7).mean(axis=1)
    steps = np.abs(np.diff(np.log(weeks + floor)))
    variation = (steps.mean() if len(steps) else 0) + (recent.std() / mean / 4 if mean > 0 else 0)
    departure = abs(np.log((predicted.mean() + floor) / (mean + floor)))
    unrest = LEAST_UNREST + min(variation, MOST_VARIATION) + departure / 2
    return float(unrest * _calm_of_age(len(y)))


def _calm_of_age(history_days: int) -> float:
    return float((LONG_DAYS / max(history_days, LONG_DAYS)) ** STEADYING)


def calculate_scale(y: Array) -> float:
    """Dollars that a day of this series is usually about: mean or spread, of recent days and all."""
    recent = y[-RECENT_DAYS:]
    return float(max(recent.mean() + y.mean(), recent.std() + y.std())) / 2


def calculate_recent_quantiles(y: Array, predicted: Array) -> Array:
    """The recent days at DAILY_LEVELS, moved to the level of the forecast."""
    recent = y[-RECENT_DAYS:]
    mean = recent.mean()
    rescale = np.clip(predicted.mean() / mean, 0.5, 2) if mean > 0 else 1.0
    quantiles: Array = np.quantile(recent, DAILY_LEVELS) * rescale
    return quantiles
