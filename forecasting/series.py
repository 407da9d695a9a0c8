"""What a forecast is fitted on: metered spend a day, in the user's local days, zero-filled.

Only usage is fitted. Subscriptions renew on known days and are added later; credits, taxes and adjustments
come with invoices, on days that no daily pattern tells, and may be negative. All of them count as spent.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pandas as pd
from numpy.typing import NDArray

TOTAL = "total"
MIN_DAYS = 14  # two of every weekday; the shortest history on which the recipe was measured
LARGEST_USD = 99_999_999.0  # what numeric(18, 10) holds


class SeriesRefused(Exception):
    """A series that nothing honest can be fitted on."""


@dataclass(frozen=True, slots=True)
class Series:
    """Dollars a day without gaps from `first_day` on. unique_id is `total`, `provider:…` or `model:…`."""

    user_id: UUID
    unique_id: str
    first_day: date
    y: NDArray[np.float64]
    record_count: int

    @property
    def days(self) -> int:
        return len(self.y)

    @property
    def last_day(self) -> date:
        return self.first_day + timedelta(days=self.days - 1)

    @property
    def days_missing(self) -> int:
        """How many more days it takes until this series can be forecast; 0 when it can be now."""
        return max(0, MIN_DAYS - self.days)


def calculate_series(user_id: UUID, daily: pd.DataFrame, last_day: date) -> list[Series]:
    """Long rows (unique_id, ds, y, records) -> one zero-filled series each, from first day to `last_day`."""
    return [
        _fill_days(user_id, str(unique_id), group, last_day)
        for unique_id, group in daily.groupby("unique_id", sort=True)
    ]


def _fill_days(user_id: UUID, unique_id: str, group: pd.DataFrame, last_day: date) -> Series:
    days = group["ds"].to_numpy(dtype="datetime64[D]")
    first_day = days.min()
    y = np.zeros((np.datetime64(last_day) - first_day).astype(int) + 1)
    np.add.at(y, (days - first_day).astype(int), group["y"].to_numpy(dtype=float))
    return Series(user_id, unique_id, first_day.item(), y, int(group["records"].sum()))


def validate_series(series: Series) -> None:
    """SeriesRefused when the amounts are not ones that a forecast can be made of and stored."""
    if not np.isfinite(series.y).all() or series.y.min(initial=0) < 0:
        raise SeriesRefused("a day's spend is not a finite amount of at least $0")
    if series.y.max(initial=0) > LARGEST_USD:
        raise SeriesRefused(f"a day's spend is above ${LARGEST_USD:,.0f}, more than can be stored")
