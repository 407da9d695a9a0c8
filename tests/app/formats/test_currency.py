"""Symbols, names and decimals of currencies."""

from app.formats.currency import count_decimals, currency_symbol, describe_currency, has_wide_amounts
from tests.every_case import every_case

DISPLAY_CURRENCIES = (  # those that the European Central Bank publishes rates of
    *("AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD"),
    *("HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NOK"),
    *("NZD", "PHP", "PLN", "RON", "SEK", "SGD", "THB", "TRY", "USD", "ZAR"),
)


def test_no_two_currencies_share_a_symbol() -> None:
    symbols = [currency_symbol(currency) for currency in DISPLAY_CURRENCIES]
    assert len(set(symbols)) == len(symbols)


@every_case([("USD", "$"), ("CAD", "CA$"), ("CHF", "CHF\xa0"), ("XQX", "XQX\xa0")])
def test_symbol_ends_with_a_space_where_it_is_a_code(currency: str, symbol: str) -> None:
    assert currency_symbol(currency) == symbol


def test_every_currency_with_rates_has_a_name() -> None:
    assert describe_currency("CZK") == "CZK, Czech Koruna"
    assert all(describe_currency(currency).startswith(f"{currency}, ") for currency in DISPLAY_CURRENCIES)
    assert describe_currency("XQX") == "XQX"


def test_yen_have_no_decimals() -> None:
    assert (count_decimals("USD"), count_decimals("JPY")) == (2, 0)


def test_amounts_are_wide_with_long_symbols_or_without_decimals() -> None:
    assert [has_wide_amounts(currency) for currency in ("USD", "CHF", "JPY")] == [False, True, True]
