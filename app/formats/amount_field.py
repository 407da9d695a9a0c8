"""Money as a person types it into a field: `20`, `$1,234.50` or `12,50`; exact, never a float."""

from decimal import Decimal

from tally.core.amounts import AmountUnreadable, find_decimal_style, parse_amount, round_amount
from tally.core.records import MAX_COST_USD


def read_amount(text: str) -> Decimal:
    """US dollars; raises AmountUnreadable with a whole sentence."""
    if not text.strip():
        raise AmountUnreadable("The amount is missing. Write it as 12.50.")
    decimal_comma = find_decimal_style([text]).decimal_comma
    if decimal_comma is None:
        plain = text.strip().replace(",", "")
        raise AmountUnreadable(
            f"The amount can be read in two ways. Write {plain}.00, or the comma as a point."
        )
    try:
        amount = parse_amount(text, decimal_comma)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(f"The amount {unreadable}. Write it as 12.50.") from None
    if abs(amount) >= MAX_COST_USD:
        raise AmountUnreadable("The amount is beyond 100,000,000 dollars.")
    if amount != round_amount(amount):
        raise AmountUnreadable("The amount has more than 10 decimals. Round it.")
    return amount


def show_amount(amount: Decimal) -> str:
    """An amount for such a field: cents, and more decimals only where it has them."""
    cents = round(amount, 2)
    return f"{cents:f}" if amount == cents else f"{amount.normalize():f}"
