"""Constants of ranges and confidence, measured by evaluation/calibrate.py and stored in calibration.json."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from forecasting.model.level import Array
from tally.core.quantile_levels import LEVELS

FILE = Path(__file__).with_name("calibration.json")
DAILY_LEVELS = (0.025, 0.1, 0.9, 0.975)
HISTORY_DAYS = (30, 120)  # short histories have up to 30 days, medium ones up to 120
GROUPS = 2 * (len(HISTORY_DAYS) + 1)  # of histories: by length, and with or without many days of $0
TOTAL_DAYS = (1, 3, 7, 15, 30)  # the lengths of totals that were measured


class CalibrationUnusable(Exception):
    """The file lacks constants, or has some that yield invalid ranges."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Measured constants.

    daily: offsets at DAILY_LEVELS in units of the series' scale, for short, medium and long histories with
        spend on most days, then for short, medium and long histories that are sparse.
    total: log ratios of actual to forecast at LEVELS for each of TOTAL_DAYS, in units of volatility.
    confidence: intercept and slope of the expected accuracy of a total over volatility.
    """

    daily: tuple[tuple[float, ...], ...]
    total: tuple[tuple[float, ...], ...]
    confidence: tuple[float, float]

    def daily_offsets(self, history_days: int, is_sparse: bool) -> Array:
        """Offsets at DAILY_LEVELS for a history of that length and kind."""
        return np.array(self.daily[find_group(history_days, is_sparse)])

    @lru_cache  # noqa: B019 - few instances and few lengths, so the cache stays small
    def total_ratios(self, days: int) -> Array:
        """Log ratios at LEVELS for totals of that many days, interpolated between measured lengths."""
        place = np.interp(np.log(days), np.log(TOTAL_DAYS), np.arange(len(TOTAL_DAYS)))
        lower = min(int(place), len(TOTAL_DAYS) - 2)
        share = place - lower
        ratios: Array = (1 - share) * np.array(self.total[lower]) + share * np.array(self.total[lower + 1])
        return ratios


def find_group(history_days: int, is_sparse: bool) -> int:
    """Index into GROUPS."""
    return sum(history_days > limit for limit in HISTORY_DAYS) + is_sparse * (len(HISTORY_DAYS) + 1)


@lru_cache
def load_calibration() -> Calibration:
    """Load the constants of calibration.json."""
    return parse_calibration(json.loads(FILE.read_text()))


def parse_calibration(content: Mapping[str, Any]) -> Calibration:
    """Parse the content of a calibration file; raises CalibrationUnusable."""
    first, second = content["confidence"]
    daily, total = (tuple(tuple(row) for row in content[name]) for name in ("daily", "total"))
    shapes = [len(row) for row in (*daily, *total)]
    expected = [len(DAILY_LEVELS)] * GROUPS + [len(LEVELS)] * len(TOTAL_DAYS)
    if shapes != expected or not all(a <= b for row in total for a, b in pairwise(row)):
        raise CalibrationUnusable("calibration.json lacks a row, or one of the totals does not rise")
    return Calibration(daily, total, (first, second))
