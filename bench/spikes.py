"""Spikes found in public series: injected ones by their size, and other days that are flagged."""

from collections import defaultdict

import numpy as np

from bench.measurement import Measurement, Options
from bench.public_series import load_public_series
from forecasting.model.level import Array
from forecasting.model.spikes import MIN_ACTIVE, WINDOW_DAYS, find_spikes

TIMES = (4, 6, 10)  # the mean of the days with spend around the day
INJECTED = 5  # days per series and size
MARGIN_DAYS = 14  # at the beginning of a series
MIN_FOUND = {4: 75, 6: 90, 10: 97}
MAX_FLAGGED = 0.5  # other days, in a month


def measure(_options: Options) -> list[Measurement]:
    """Measure both."""
    random = np.random.default_rng(7)
    hits: dict[int, list[bool]] = defaultdict(list)
    months, flagged = 0.0, 0
    for series in load_public_series():
        known = {spike.day for spike in find_spikes(series.y)}
        months, flagged = months + len(series.y) / 30, flagged + len(known)
        for times in TIMES:
            days = random.integers(MARGIN_DAYS, len(series.y), INJECTED).tolist()
            hits[times] += [
                _is_found(series.y, day, times)
                for day in days
                if day not in known and _count_active(series.y, day) > MIN_ACTIVE
            ]
    found = [
        Measurement(
            f"spikes: days at {times} times the usual that are found",
            share,
            "%",
            None,
            share,
            MIN_FOUND[times],
            at_least=True,
        )
        for times, share in ((times, 100 * float(np.mean(hits[times]))) for times in TIMES)
    ]
    rate = flagged / months
    return [
        *found,
        Measurement("spikes: other days flagged in a month", rate, "days", None, rate, MAX_FLAGGED),
    ]


def _around(y: Array, day: int) -> Array:
    return y[max(day - WINDOW_DAYS, 0) : day + WINDOW_DAYS + 1]


def _count_active(y: Array, day: int) -> int:
    return int(np.count_nonzero(_around(y, day)))


def _is_found(y: Array, day: int, times: int) -> bool:
    around, raised = _around(y, day), y.copy()
    raised[day] = times * around[around > 0].mean()
    return day in {spike.day for spike in find_spikes(raised)}
