"""The limit of the whole month in the display currency."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from decimal import Decimal

from app.figures.currencies import Currency
from tally.currency.rates import CurrencyUnknown, to_usd


def find_month_limit(
    limits: Iterable[tuple[Decimal, str]], currency: Currency, today: date
) -> Decimal | None:
    """The first of these amounts and currencies that today has a rate for; None without one."""
    for amount, code in limits:
        if code == currency.code:
            return amount
        with suppress(CurrencyUnknown):
            amount_usd = to_usd(amount, code, today, currency.rates)
            return round(currency.convert(amount_usd, today), 2) or None
    return None
