"""Renewal dates of subscriptions: the days for which the database posts records."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from tally.core.months import add_months, last_day_of_month
from tally.spend.subscriptions import Subscription

LAST_YEAR = 2100
NEAR_DAYS = 4  # between a renewal and its invoice, as in the database


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


def find_planned(plans: Sequence[Subscription], day: date) -> Subscription | None:
    """The plan with the renewal nearest to a day, within four days."""
    near = [
        (abs((renewal - day).days), place)
        for place, plan in enumerate(plans)
        for renewal in renewal_days(plan, day + timedelta(days=NEAR_DAYS))[-2:]
        if abs((renewal - day).days) <= NEAR_DAYS
    ]
    return plans[min(near)[1]] if near else None


def next_renewal(subscription: Subscription, today: date) -> date | None:
    """The first renewal after today; None when the subscription ends before it."""
    for day in _days_from_start(subscription):
        if day > today and day >= subscription.started_on:
            return None if subscription.ended_on and day > subscription.ended_on else day
    return None


def _days_from_start(subscription: Subscription) -> Iterator[date]:
    """Renewal dates from the first month on; yearly ones in the same month of each year."""
    first = subscription.started_on.replace(day=1)
    months = 12 if subscription.interval == "year" else 1
    while first.year <= LAST_YEAR:
        yield first.replace(day=min(subscription.renewal_day, last_day_of_month(first).day))
        first = add_months(first, months)
