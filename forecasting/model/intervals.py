"""Prediction intervals for days and totals, calibrated on public series, and the confidence in a total.

Daily bounds: recent quantiles rescaled to the forecast level and to the weekday, plus conformal offsets
(conformalized quantile regression). Totals: conformal quantiles of the log ratio of actual to forecast, wider
for volatile series.

Coverage of public series with constants measured on other series: 82% and 95% of 30-day totals are inside
their 80% and 95% ranges, 96% of days inside their 95% range and 9% above their 80% range. Of the days with
spend, 78% to 80% are inside their 80% range on each weekday; of all days 86%, because days of $0 cannot fall
below a range.

The last months of the long public series are quiet: there, 97% of totals were inside their 80% range. At
cutoffs all over the same series, 84% were after 121 to 240 days of history, and 75% after more. So the
discount for long histories is not made larger: the ranges would be too narrow at other times.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from forecasting.model.calibration import DAILY_LEVELS, Calibration, load_calibration
from forecasting.model.level import RECENT_DAYS, Array
from forecasting.model.series import MAX_USD
from forecasting.model.weekdays import calculate_weekday_factors, factors_of_past
from tally.core.quantile_levels import LEVELS

HORIZON_DAYS = 30
MIN_FACTOR = 0.3  # of weekdays, for ranges: a quiet weekday may turn out busy
RESCALE = (0.25, 1.5)  # bounds of the ratio of forecast to recent level
SPARSE_SHARE = 0.1  # of recent days; a series with more days of $0 is sparse
MISSED_SHARE = 0.2  # of the days with spend above their 80% range
SPARSE_UPPER_95 = 0.97  # their days of $0 are never below the range, so more may be above
MAX_UPPER_LEVEL = 0.93  # beyond, ranges of the sparsest series would be wide without being right more often
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
    offsets = (calibration or load_calibration()).daily_offsets(len(y), is_sparse(y))
    moved = calculate_recent_quantiles(y, predicted) + offsets[:, None] * calculate_scale(y)
    bounds = np.clip(moved, 0, MAX_USD)
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
    """Quantiles of the recent days by level and predicted day, rescaled to forecast level and weekday."""
    recent = y[-RECENT_DAYS:]
    factors = np.maximum(calculate_weekday_factors(y), MIN_FACTOR)
    mean = recent.mean()
    rescale = np.clip(predicted.mean() / mean, *RESCALE) if mean > 0 else 1.0
    quantiles = np.quantile(recent / factors_of_past(factors, len(recent)), calculate_daily_levels(y))
    return np.outer(quantiles * rescale, np.resize(factors, len(predicted)))


def calculate_daily_levels(y: Array) -> Array:
    """Quantile levels of the four daily bounds.

    The upper 80% bound is higher for sparse series: days of $0 are all below it, which would leave most of
    the days with spend above.
    """
    levels = np.array(DAILY_LEVELS)
    spending_share = 1 - _zero_share(y)
    levels[2] = np.clip(1 - MISSED_SHARE * spending_share, levels[2], MAX_UPPER_LEVEL)
    levels[3] = SPARSE_UPPER_95 if is_sparse(y) else levels[3]
    return levels


def is_sparse(y: Array) -> bool:
    """Return whether more than a few of the recent days cost $0."""
    return _zero_share(y) > SPARSE_SHARE


def _zero_share(y: Array) -> float:
    return float((y[-RECENT_DAYS:] == 0).mean())
