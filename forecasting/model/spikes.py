"""Spikes: past days that cost several times a usual day of their weekday, seen from the weeks around them.

A history is judged as a whole, so a day may have been unusual when it came and be usual by now: a new level
is no spike, nor is one of many dear days. On public series, days raised to 4, 6 and 10 times a usual one are
found in 84%, 96% and 100% of cases; of all other days, 0.4 a month are flagged (0.2 where most days have
spend), and some of those are spikes.
"""

from typing import NamedTuple

import numpy as np

from forecasting.model.level import Array
from forecasting.model.weekdays import factors_of_past, shrink_weekday_factors

WINDOW_DAYS = 28  # on either side
MIN_WINDOW = 28  # days besides the day itself
MIN_ACTIVE = 7  # of them with spend
MIN_RATIO = 3.0  # to a usual day of the weekday
MARGIN = 2.0  # to the dear days around it
DEAR_QUANTILE = 0.95  # of the days around: in eight weeks, two others may be as dear
CAP_QUANTILE = 0.9
TINY = 1e-9


class Spike(NamedTuple):
    """A day by its place in the history; dollars it cost, usually costs, and may cost without being one."""

    day: int
    amount: float
    usual: float
    upper: float


def find_spikes(y: Array, min_excess: float = 0.0) -> list[Spike]:
    """Find the spikes of a history, the dearest first."""
    usual = _calculate_usual(y)
    ratio = np.divide(y, usual, out=np.zeros(len(y)), where=usual > TINY)
    found = []
    for day in np.flatnonzero((ratio >= MIN_RATIO) & (y - usual >= min_excess)).tolist():
        around = np.delete(ratio[max(day - WINDOW_DAYS, 0) : day + WINDOW_DAYS + 1], min(day, WINDOW_DAYS))
        limit = max(MIN_RATIO, MARGIN * float(np.quantile(around, DEAR_QUANTILE)))
        if ratio[day] >= limit:
            found.append(Spike(day, float(y[day]), float(usual[day]), float(limit * usual[day])))
    return sorted(found, key=lambda spike: spike.usual - spike.amount)


def _calculate_usual(y: Array) -> Array:
    """Dollars of a usual day of each day's weekday, from the days around it; 0 where too little is known."""
    padded = np.pad(y, WINDOW_DAYS, constant_values=np.nan)
    around = np.lib.stride_tricks.sliding_window_view(padded, 2 * WINDOW_DAYS + 1).copy()
    around[:, WINDOW_DAYS] = np.nan  # the day itself
    known, active = (~np.isnan(around)).sum(axis=1), (around > 0).sum(axis=1)
    caps = _find_caps(around, active)
    level = np.nansum(np.minimum(around, caps[:, None]), axis=1) / np.maximum(known, 1)
    factors = factors_of_past(shrink_weekday_factors(np.minimum(y, caps)), len(y))
    return np.where((known >= MIN_WINDOW) & (active >= MIN_ACTIVE), level * factors, 0.0)


def _find_caps(around: Array, active: "np.typing.NDArray[np.int_]") -> Array:
    """The CAP_QUANTILE of the days with spend in each row."""
    ordered = np.sort(np.nan_to_num(around), axis=1)
    place = ordered.shape[1] - active + CAP_QUANTILE * np.maximum(active - 1, 0)
    below = np.minimum(place.astype(int), ordered.shape[1] - 1)
    above = np.minimum(below + 1, ordered.shape[1] - 1)
    rows = np.arange(len(ordered))
    caps: Array = ordered[rows, below] + (place - below) * (ordered[rows, above] - ordered[rows, below])
    return caps
