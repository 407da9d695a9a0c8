"""Symbols, names and decimals of currencies, from the Unicode data in Babel."""

from functools import cache

from babel.numbers import get_currency_name, get_currency_precision, get_currency_symbol

from app.formats.locale import LOCALE


@cache
def currency_symbol(currency: str) -> str:
    """The prefix of an amount: a symbol that no other currency has, or the code and a space."""
    symbol = get_currency_symbol(currency, LOCALE)
    return f"{currency}\N{NO-BREAK SPACE}" if symbol == currency else symbol


@cache
def describe_currency(currency: str) -> str:
    """Code and name, or the code alone where Babel knows no name."""
    name = get_currency_name(currency, locale=LOCALE)
    return currency if name == currency else f"{currency}, {name}"


@cache
def count_decimals(currency: str) -> int:
    """Decimals of an amount in everyday use: 2 for dollars, none for yen."""
    return get_currency_precision(currency)


def has_wide_amounts(currency: str) -> bool:
    """True where amounts are wider than in dollars: a longer symbol, or more digits."""
    return len(currency_symbol(currency)) > 1 or count_decimals(currency) == 0
