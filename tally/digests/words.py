"""Amounts, changes and days as they stand in a mail."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from tally.notifications.wording import format_money

MINUS = "\N{MINUS SIGN}\N{WORD JOINER}"  # no line breaks after it
WHOLE_FROM = 1000


def money(amount: Decimal, currency: str) -> str:
    """An amount, without cents from 1,000 on."""
    if abs(amount) >= WHOLE_FROM:
        amount = amount.quantize(Decimal(1), ROUND_HALF_UP)
        return format_money(amount, currency).replace(".00", "").replace("-", MINUS)
    if abs(amount) < Decimal("0.005"):
        amount = abs(amount).quantize(Decimal("0.01"))
    return format_money(amount, currency).replace("-", MINUS)


def signed(amount: Decimal, currency: str) -> str:
    """A change with its sign."""
    return f"+{money(amount, currency)}" if amount > 0 else money(amount, currency)


def percent_change(change: Decimal, before: Decimal) -> str:
    """A change as a share of what it is a change from; empty where that is nothing."""
    if before <= 0:
        return ""
    share = (100 * change / before).quantize(Decimal(1), ROUND_HALF_UP)
    if abs(share) >= 1000:
        return f"{(change + before) / before:,.0f} times"
    return f"{'+' if share > 0 else MINUS if share < 0 else ''}{abs(share)}%"


def short_day(day: date) -> str:
    """A day without its year: 24 Nov."""
    return f"{day.day} {day:%b}"
