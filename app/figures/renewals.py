"""Subscription renewal dates: the days for which the database posts records."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.figures.currencies import Currency
from tally.spend.subscriptions import Interval, Subscription

MONTH_NAMES = calendar.month_name
LAST_YEAR = 2100


@dataclass(frozen=True, slots=True)
class Plan:
    """A common subscription at its US list price."""

    title: str
    provider: str  # slug
    amount_usd: Decimal


PLANS = (
    Plan("ChatGPT Plus", "chatgpt", Decimal(20)),
    Plan("ChatGPT Pro", "chatgpt", Decimal(200)),
    Plan("Claude Pro", "claude-desktop", Decimal(20)),
    Plan("Claude Max 5x", "claude-desktop", Decimal(100)),
    Plan("Claude Max 20x", "claude-desktop", Decimal(200)),
    Plan("Cursor Pro", "cursor", Decimal(20)),
    Plan("GitHub Copilot Pro", "github-copilot", Decimal(10)),
    Plan("Google AI Pro", "gemini-app", Decimal("19.99")),
    Plan("Perplexity Pro", "perplexity", Decimal(20)),
)


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


def spent_so_far(subscription: Subscription, today: date, currency: Currency) -> Decimal:
    """The sum of all renewals up to today, each at the rate of its day."""
    days = renewal_days(subscription, today)
    return sum((currency.convert(subscription.amount_usd, day) for day in days), Decimal(0))


def next_renewal(subscription: Subscription, today: date) -> date | None:
    """The first renewal after today; None when the subscription ends before it."""
    for day in _days_from_start(subscription):
        if day > today and day >= subscription.started_on:
            return None if subscription.ended_on and day > subscription.ended_on else day
    return None


def describe_rhythm(subscription: Subscription) -> str:
    """The renewal interval as text."""
    day = subscription.renewal_day
    if subscription.interval == "month":
        return f"Monthly on day {day}"
    return f"Yearly on {day} {MONTH_NAMES[subscription.started_on.month][:3]}"


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
