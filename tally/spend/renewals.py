"""Renewal dates of subscriptions: the days for which the database posts records."""

import calendar
from collections.abc import Iterator
from datetime import date

from tally.spend.subscriptions import Interval, Subscription

LAST_YEAR = 2100


def renewal_days(subscription: Subscription, until: date) -> list[date]:
    """Renewal dates up to and including `until`."""
    last = min(until, subscription.ended_on or until)
    days = []
    for day in _days_from_start(subscription):
        if day > last:
            break
        if day >= subscription.started_on:
            days.append(day)
    return days


def next_renewal(subscription: Subscription, today: date) -> date | None:
    """The first renewal after today; None when the subscription ends before it."""
    for day in _days_from_start(subscription):
        if day > today and day >= subscription.started_on:
            return None if subscription.ended_on and day > subscription.ended_on else day
    return None


def _days_from_start(subscription: Subscription) -> Iterator[date]:
    """Renewal dates from the first month on; yearly ones in the same month of each year."""
    year, month = subscription.started_on.year, subscription.started_on.month
    step: Interval = subscription.interval
    while year <= LAST_YEAR:
        yield date(year, month, min(subscription.renewal_day, calendar.monthrange(year, month)[1]))
        if step == "year":
            year += 1
        else:
            year, month = (year + 1, 1) if month == 12 else (year, month + 1)
