"""Amounts in form fields: `20`, `$1,234.50` or `12,50`, as exact decimals."""

from decimal import Decimal

from tally.core.amounts import SMALLEST_AMOUNT, AmountUnreadable, find_decimal_style, parse_amount
from tally.core.records import MAX_COST_USD

MAX_DECIMALS = -SMALLEST_AMOUNT.adjusted()


def read_amount(text: str) -> Decimal:
    """Parse US dollars; raises AmountUnreadable with a sentence for the user."""
    if not text.strip():
        raise AmountUnreadable("Enter an amount, for example 12.50.")
    decimal_comma = find_decimal_style([text]).decimal_comma
    if decimal_comma is None:
        plain = text.strip().replace(",", "")
        raise AmountUnreadable(
            f"The amount can be read in two ways. Write {plain}.00, or a point instead of the comma."
        )
    try:
        amount = parse_amount(text, decimal_comma)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(f"The amount {unreadable}. Write it as 12.50.") from None
    if abs(amount) >= MAX_COST_USD:
        raise AmountUnreadable("The amount must be below 100,000,000 dollars.")
    if amount != round(amount, MAX_DECIMALS):
        raise AmountUnreadable(f"The amount has more than {MAX_DECIMALS} decimals. Round it.")
    return amount


def read_limit_amount(text: str, measure: str) -> Decimal:
    """A limit as typed: above 0, and whole for tokens."""
    if not text.strip():
        raise AmountUnreadable("Enter a limit, for example 600.")
    try:
        amount = parse_amount(text, find_decimal_style([text]).decimal_comma or False)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(f"The limit {unreadable}. Write it as 600 or 12.50.") from None
    if amount <= 0:
        raise AmountUnreadable("The limit must be above 0.")
    if measure == "tokens" and amount != amount.to_integral_value():
        raise AmountUnreadable("A limit of tokens is a whole number.")
    if amount >= Decimal(10) ** 12 and measure == "cost":
        raise AmountUnreadable("The limit must be below 1,000,000,000,000.")
    return amount


def show_amount(amount: Decimal) -> str:
    """Text for the field: two decimals, or more where the amount has them."""
    cents = round(amount, 2)
    return f"{cents:f}" if amount == cents else f"{amount.normalize():f}"
