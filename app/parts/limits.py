"""The monthly limit, stored in US dollars and as typed."""

from datetime import date
from decimal import Decimal
from typing import Any

from app.data import Preferences
from app.figures.currencies import Currency
from app.formats.amount_field import read_amount, show_amount
from tally.core.amounts import SMALLEST_AMOUNT, AmountUnreadable, round_amount
from tally.core.records import MAX_COST_USD
from tally.currency.rates import to_usd

TYPED = "monthly_limit"


def read_limit(preferences: Preferences, currency: Currency, today: date) -> Decimal | None:
    """The limit in the chosen currency: exactly as typed if that was in the same currency."""
    limit_usd = preferences.monthly_limit_usd
    if limit_usd is None:
        return None
    typed = preferences.metadata.get(TYPED)
    if isinstance(typed, dict) and typed.get("currency") == currency.code:
        try:
            return _check(read_amount(str(typed.get("amount"))))
        except AmountUnreadable:
            pass  # written by another tool; the dollar amount is authoritative
    return round(currency.convert(limit_usd, today), 2) or None


def parse_limit(text: str, currency: Currency, today: date) -> dict[str, Any]:
    """The preference to save for a typed limit, empty for none; raises AmountUnreadable with a sentence."""
    if not text.strip():
        return {"monthly_limit_usd": None}
    amount = _check(read_amount(text))
    limit_usd = round_amount(to_usd(amount, currency.code, today, currency.rates))
    if not SMALLEST_AMOUNT <= limit_usd < MAX_COST_USD:
        raise AmountUnreadable("The monthly limit is out of range. Enter another amount.")
    return {"monthly_limit_usd": f"{limit_usd:f}"}


def remember_limit(text: str, currency: Currency) -> dict[str, Any]:
    """The limit as it was typed, for the preferences' metadata."""
    return {
        TYPED: {"amount": show_amount(read_amount(text)), "currency": currency.code} if text.strip() else None
    }


def _check(amount: Decimal) -> Decimal:
    if amount <= 0:
        raise AmountUnreadable("The monthly limit must be above 0. Leave the field empty for no limit.")
    return amount
