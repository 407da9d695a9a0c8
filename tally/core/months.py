"""Arithmetic of calendar months."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal

MONTH_DAYS = Decimal("30.4")  # of a usual month, to which other periods are converted


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or of an earlier one; the last day of a month that is shorter."""
    count = day.year * 12 + day.month - 1 + months
    year, month = count // 12, count % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def last_day_of_month(day: date) -> date:
    """The last day of that day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])


def month_before(day: date) -> tuple[date, date]:
    """The first and the last day of the month before that day's."""
    last = day.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last
