"""Amounts of money as text."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.formats.money import (
    format_figure,
    format_limit,
    format_money,
    format_money_range,
    format_plain,
    format_unit_price,
    format_usd,
)
from tests.every_case import every_case


@every_case(
    [
        ("1234.5", "EUR", "€1,234.50"),
        ("-0.5", "GBP", "\N{MINUS SIGN}£0.50"),
        ("1234.5", "JPY", "¥1,235"),
        ("0.0312", "JPY", "¥0.031"),
        ("0", "JPY", "¥0"),
        ("0", "EUR", "€0.00"),
        ("12345.6", "CHF", "CHF\N{NO-BREAK SPACE}12,346"),
        ("-7", "CAD", "\N{MINUS SIGN}CA$7.00"),
    ]
)
def test_money_has_its_currency_symbol(amount: str, currency: str, text: str) -> None:
    assert format_money(Decimal(amount), currency) == text


@every_case(
    [
        ("1234.5", "USD", "$1,234.50"),
        ("1234567.8", "EUR", "€1,234,568"),
        ("12345678.9", "EUR", "€12.35M"),
        ("272.05", "CHF", "CHF\N{NO-BREAK SPACE}272.05"),
        ("6001912.4", "IDR", "IDR\N{NO-BREAK SPACE}6.00M"),
        ("-6001912.4", "IDR", "\N{MINUS SIGN}IDR\N{NO-BREAK SPACE}6.00M"),
        ("123456.7", "HUF", "HUF\N{NO-BREAK SPACE}123,457"),
    ]
)
def test_figures_are_shortened_to_fit_a_card(amount: str, currency: str, text: str) -> None:
    assert format_figure(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("currency", "text"),
    [("EUR", "€257.44 – €348.11"), ("CHF", "CHF\N{NO-BREAK SPACE}257 – 348"), ("JPY", "¥257 – 348")],  # noqa: RUF001
)
def test_range_shows_a_long_symbol_once(currency: str, text: str) -> None:
    assert format_money_range(Decimal("257.44"), Decimal("348.11"), currency) == text


@every_case(
    [
        ("0", "$0.00"),
        ("0.00000005", "$0.00000005"),
        ("0.0042", "$0.0042"),
        ("0.425", "$0.43"),
        ("9999.994", "$9,999.99"),
        ("12345.6", "$12,346"),
        ("-3.5", "\N{MINUS SIGN}$3.50"),
    ]
)
def test_dollars_show_as_many_digits_as_they_need(amount: str, text: str) -> None:
    assert format_usd(Decimal(amount)) == text


@every_case(
    [
        ("0.02634", "USD", "$0.0263"),
        ("0.2", "USD", "$0.20"),
        ("1.7777", "JPY", "¥1.78"),
        ("1.7777", "EUR", "€1.78"),
        ("0", "USD", "$0.00"),
    ]
)
def test_unit_prices_have_three_significant_digits(amount: str, currency: str, text: str) -> None:
    assert format_unit_price(Decimal(amount), currency) == text


@every_case(
    [
        ("12.5", "20", "$12.50 – $20.00"),  # noqa: RUF001 - an en dash
        ("1317.6", "2182.94", "$1,318 – $2,183"),  # noqa: RUF001
        ("1317.6", "2000000", "$1,318 – 2.00M"),  # noqa: RUF001
        ("0.5", "2000000", "$0.50 – 2.00M"),  # noqa: RUF001
    ]
)
def test_ranges_lose_cents_as_they_grow(lower: str, upper: str, text: str) -> None:
    assert format_money_range(Decimal(lower), Decimal(upper), "USD") == text


@every_case([("9.99", "$9.99"), ("9", "$9"), ("10.49", "$10"), ("10.5", "$11")])
def test_amounts_in_sentences_are_whole_from_ten_up(amount: str, text: str) -> None:
    assert format_plain(Decimal(amount), "USD") == text


@pytest.mark.parametrize(("amount", "text"), [("300", "$300"), ("300.5", "$300.50"), ("300.00", "$300")])
def test_limits_keep_their_cents(amount: str, text: str) -> None:
    assert format_limit(Decimal(amount), "USD") == text


@given(st.decimals(min_value=Decimal("0.01"), max_value=9999, places=4))
def test_cents_are_rounded_half_up(amount: Decimal) -> None:
    shown = Decimal(format_usd(amount).replace("$", "").replace(",", ""))
    assert Decimal("-0.005") <= amount - shown < Decimal("0.005")
