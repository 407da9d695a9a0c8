"""How far off a forecast may be: recent days drawn again, times a drift of the level.

Spend is bursty, so bounds come from the last 56 days as they were, not from a bell curve. What those days
cannot tell is that habits change: the level itself drifts, with heavy tails (Student's t, 3 degrees). The two
drifts were chosen on 290 forecasts of 83 public daily series: there the 80% and 95% ranges hold
79% and 96% of 30-day totals and 87% and 94% of days (one of $0 cannot fall below $0: more than 80% is right).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecasting.series import LARGEST_USD
from tally.levels import LEVELS

WINDOW_DAYS = 56
HORIZON_DAYS = 30
BLOCK_DAYS = 7  # days are drawn in runs of a week, which keeps weekends and streaks together
DRAWS = 1000
QUANTILES = (0.025, 0.1, 0.9, 0.975)
DAILY_DRIFT = 0.3
DRIFT = ((120, 0.65), (10**9, 0.35))  # (history up to this many days, drift of a 30-day total)

Array = NDArray[np.float64]


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


def calculate_daily_bounds(y: Array, predicted: Array) -> Daily:
    """Quantiles of the recent days, moved to the forecast's level, around each predicted day."""
    recent = y[-WINDOW_DAYS:]
    mean = recent.mean()
    rescale = np.clip(predicted.mean() / mean, 0.5, 2) if mean > 0 else 1.0
    drift = np.exp(DAILY_DRIFT * np.quantile(_drifts(), (np.arange(40) + 0.5) / 40))
    lower_95, lower_80, upper_80, upper_95 = _storable(
        np.quantile(np.outer(recent, drift), QUANTILES) * rescale
    )
    return Daily(
        np.minimum(lower_95, predicted),
        np.minimum(lower_80, predicted),
        np.maximum(upper_80, predicted),
        np.maximum(upper_95, predicted),
    )


def calculate_total(y: Array, predicted: Array) -> Total:
    """The sum of the predicted days, spread as the sums of as many days drawn from the recent ones are."""
    days = len(predicted)
    recent = y[-WINDOW_DAYS:]
    total = min(float(predicted.sum()), LARGEST_USD)
    # A tenth of the usual spend on both sides keeps the ratio defined for weeks that cost nothing.
    usual = 0.1 * max(recent.mean(), y.mean()) * days
    if usual <= 0:
        return _around(total, np.full(len(LEVELS), total))
    ratio = (_draw_sums(recent, days) + usual) / (recent.mean() * days + usual)
    ratio *= np.exp(_drift_of(len(y)) * np.sqrt(days / HORIZON_DAYS) * _drifts())
    return _around(total, _storable(np.quantile(ratio, LEVELS) * (total + usual) - usual))


def _around(total: float, quantiles: Array) -> Total:
    # Skewed sums may have their 90% range beside the prediction: the ranges that are shown contain it.
    is_lower, is_upper = np.array(LEVELS) <= 0.1, np.array(LEVELS) >= 0.9
    quantiles[is_lower] = np.minimum(quantiles[is_lower], total)
    quantiles[is_upper] = np.maximum(quantiles[is_upper], total)
    return Total(total, tuple(quantiles.tolist()))


def calculate_confidence(lower_80: float, upper_80: float) -> float:
    """1 for a total without doubt, 0 for one that may be anything: 1 - half the 80% range over its middle."""
    if upper_80 <= 0:
        return 1.0
    return round(1 - (upper_80 - max(lower_80, 0)) / (upper_80 + max(lower_80, 0)), 2)


def _draw_sums(recent: Array, days: int) -> Array:
    blocks = -(-days // BLOCK_DAYS)
    starts = np.random.default_rng(0).integers(0, len(recent), (DRAWS, blocks, 1))
    drawn = recent[(starts + np.arange(BLOCK_DAYS)) % len(recent)]
    sums: Array = drawn.reshape(DRAWS, -1)[:, :days].sum(axis=1)
    return sums


@lru_cache
def _drifts() -> Array:
    return np.random.default_rng(1).standard_t(3, DRAWS)


def _drift_of(history_days: int) -> float:
    return next(drift for up_to, drift in DRIFT if history_days <= up_to)


def _storable(amounts: Array) -> Array:
    return np.clip(amounts, 0, LARGEST_USD)
