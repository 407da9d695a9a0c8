"""Periods of budgets, in the workspace's days. The database calculates them, too: private.budget_period."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from tally.core.months import add_months, month_before

PeriodKind = Literal["day", "week", "month", "quarter", "year"]
MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        """Its number of days."""
        return (self.last - self.first).days + 1

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


def find_period(kind: PeriodKind, starts_on_day: int, day: date) -> Period:
    """The period that a day is in: weeks begin on Mondays, months on a day that every month has."""
    if kind == "day":
        return Period(day, day)
    if kind == "week":
        monday = day - timedelta(days=day.weekday())
        return Period(monday, monday + timedelta(days=6))
    start = starts_on_day if kind == "month" else 1
    month = day.replace(day=1) if day.day >= start else month_before(day)[0]
    month = month.replace(month=month.month - (month.month - 1) % MONTHS[kind])
    return Period(month.replace(day=start), add_months(month, MONTHS[kind]).replace(day=start) - DAY)
