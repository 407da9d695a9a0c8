"""Amounts of any measure as text: money, the price of a request, tokens, requests."""

from decimal import Decimal

from app.formats.counts import format_count
from app.formats.money import format_money, format_unit_price
from app.formats.text import DASH, MINUS


def format_measure(amount: Decimal | float | None, unit: str, currency: str) -> str:
    """An amount in the unit of its measure; a dash where it is not known."""
    if amount is None:
        return DASH
    exact = Decimal(str(amount))
    if unit == "money":
        return format_money(exact, currency)
    if unit == "ratio":
        return format_unit_price(exact, currency)
    if unit == "tokens" and not exact:
        return DASH  # sources that tell no tokens save 0
    sign = MINUS if exact < 0 else ""
    return f"{sign}{format_count(round(abs(exact)))}"
