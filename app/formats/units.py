"""Amounts in a unit: money in a currency, or tokens."""

from decimal import Decimal

from app.formats.counts import format_count
from app.formats.money import format_limit, format_money, format_plain

TOKENS = "tokens"


def format_exact(amount: Decimal | float, unit: str) -> str:
    """An amount to act on: money with cents."""
    return f"{_count(amount)} tokens" if unit == TOKENS else format_money(amount, unit)


def format_whole(amount: Decimal, unit: str) -> str:
    """An amount within a sentence: whole units from 10 up."""
    return _count(amount) if unit == TOKENS else format_plain(amount, unit)


def format_chosen(amount: Decimal, unit: str) -> str:
    """An amount that the user chose."""
    return f"{_count(amount)} tokens" if unit == TOKENS else format_limit(amount, unit)


def _count(tokens: Decimal | float) -> str:
    exact = Decimal(tokens)
    return f"{'-' if exact < 0 else ''}{format_count(round(abs(exact)))}"
