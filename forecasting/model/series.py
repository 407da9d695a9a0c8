"""Daily series of metered spend, in the workspace's local days, zero-filled.

Only usage is fitted. Subscriptions renew on known days and are added later; credits, taxes and adjustments
come with invoices, on days without a pattern, and may be negative. All of them count as money spent.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

import numpy as np

from forecasting.model.level import RECENT_DAYS, Array

TOTAL = "total"
MIN_DAYS = 14  # two of each weekday; the shortest history that the model was measured on
# With fewer days of spend in eight weeks, a day's 80% range is only $0, and its mean is above that.
MIN_ACTIVE_DAYS = 7
# With fewer, a day that is most of the spend is not capped as an outlier, and would be repeated for a month.
MIN_ACTIVE_DAYS_BESIDE_SPIKE = 11
SPIKE_SHARE = 0.8  # of the recent spend
MAX_USD = 99_999_999.0  # the column precision, numeric(18, 10)


class SeriesRefused(Exception):
    """The series has amounts that cannot be fitted or stored."""


class DailySpend(NamedTuple):
    """One day of one series as loaded. Not a data frame, because importing pandas takes too long."""

    unique_id: str
    ds: date
    y: float
    records: int


@dataclass(frozen=True, slots=True)
class Series:
    """Dollars per day without gaps from `first_day` on.

    unique_id: `total`, `provider:…`, `model:…` or `project:…`.
    """

    workspace_id: UUID
    unique_id: str
    first_day: date
    y: Array
    record_count: int

    @property
    def days(self) -> int:
        return len(self.y)

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=self.days - 1)

    @property
    def days_missing(self) -> int:
        """Days of usage until the series can be forecast; 0 when it can."""
        return max(0, MIN_DAYS - self.days, _count_active_days_missing(self.y))


def _count_active_days_missing(y: Array) -> int:
    """Days with spend that are missing; none where all recent days cost $0, which is easy to forecast."""
    recent = y[-RECENT_DAYS:]
    active_days = int(np.count_nonzero(recent))
    has_spike = recent.max(initial=0) > SPIKE_SHARE * recent.sum()
    needed = MIN_ACTIVE_DAYS_BESIDE_SPIKE if has_spike else MIN_ACTIVE_DAYS
    return needed - active_days if active_days else 0


def calculate_series(workspace_id: UUID, daily: Iterable[DailySpend], last_day: date) -> list[Series]:
    """Build zero-filled series from long rows, each from its own first day to `last_day`.

    Days after `last_day` are ignored, and a series with only such days is left out.
    """
    rows_of: dict[str, list[DailySpend]] = defaultdict(list)
    for row in daily:
        if row.ds <= last_day:
            rows_of[row.unique_id].append(row)
    return [
        _fill_days(workspace_id, unique_id, rows, last_day) for unique_id, rows in sorted(rows_of.items())
    ]


def _fill_days(workspace_id: UUID, unique_id: str, rows: list[DailySpend], last_day: date) -> Series:
    first_day = min(row.ds for row in rows)
    y = np.zeros((last_day - first_day).days + 1)
    for row in rows:
        y[(row.ds - first_day).days] += row.y
    return Series(workspace_id, unique_id, first_day, y, sum(row.records for row in rows))


def validate_series(series: Series) -> None:
    """Raise SeriesRefused unless all amounts can be fitted and their forecast stored."""
    if not np.isfinite(series.y).all() or series.y.min(initial=0) < 0:
        raise SeriesRefused("a day's spend is not a finite amount of at least $0")
    if series.y.max(initial=0) > MAX_USD:
        raise SeriesRefused(f"a day's spend is above ${MAX_USD:,.0f}, more than can be stored")
