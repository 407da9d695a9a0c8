"""Common plans, and what subscriptions have cost so far."""

import calendar
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.figures.currencies import Currency
from tally.spend.renewals import renewal_days
from tally.spend.subscriptions import Subscription

MONTH_NAMES = calendar.month_name


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


def spent_so_far(subscription: Subscription, today: date, currency: Currency) -> Decimal:
    """The sum of all renewals up to today, each at the rate of its day."""
    days = renewal_days(subscription, today)
    return sum((currency.convert(subscription.amount_usd, day) for day in days), Decimal(0))


def describe_rhythm(subscription: Subscription) -> str:
    """The renewal interval as text."""
    day = subscription.renewal_day
    if subscription.interval == "month":
        return f"Monthly on day {day}"
    return f"Yearly on {day} {MONTH_NAMES[subscription.started_on.month][:3]}"
