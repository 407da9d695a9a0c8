"""Money and counts in every spelling that spreadsheets give them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.core.amounts import AmountUnreadable, find_decimal_style, parse_amount, parse_count, round_amount
from tests.every_case import every_case


@every_case(
    [
        ("1.25", False, "1.25"),
        ("$1,234.50", False, "1234.50"),
        ("1.234,50", True, "1234.50"),
        ("1 234,50", True, "1234.50"),
        ("1\u202f234,50", True, "1234.50"),
        ("1'234.50", False, "1234.50"),
        ("USD 5", False, "5"),
        ("5 USD", False, "5"),
        ("US$5.00", False, "5.00"),
        ("-$5", False, "-5"),
        ("$-5", False, "-5"),
        ("(5.00)", False, "-5.00"),
        ("($1,234.50)", False, "-1234.50"),
        ("−5", False, "-5"),  # noqa: RUF001
        ("1.5e3", False, "1500"),
        ("1.2E-05", False, "0.000012"),
        (".5", False, "0.5"),
        ("5.", False, "5"),
        ("0.003835980000000000000000000000", False, "0.00383598"),
        ("1,234", False, "1234"),
        ("1,234", True, "1.234"),
        ("1.234", True, "1234"),
    ]
)
def test_amount_is_read_exactly(text: str, decimal_comma: bool, value: str) -> None:
    assert parse_amount(text, decimal_comma) == Decimal(value)


@every_case(
    [
        ("", "is empty (write 0 if it was free)"),
        ("NaN", "is not a number"),
        ("inf", "is not a number"),
        ("Included", "is not a number"),
        ("$", "is not a number"),
        ("1,23", "is not a number"),
        ("1.2.3", "is not a number"),
        ("1-2", "is not a number"),
        ("--5", "is not a number"),
        ("-$-5", "is not a number"),
        ("٣", "is not a number"),
        ("1e9999", "is not a number"),
        ("=1+1", "is not a number"),
        ("5 €", "is not in US dollars; convert it first"),
        ("€5", "is not in US dollars; convert it first"),
        ("EUR 5", "is not in US dollars; convert it first"),
        ("CA$5", "is not in US dollars; convert it first"),
        ("£5.00", "is not in US dollars; convert it first"),
        ("9" * 100, "has 100 characters, too many for an amount"),
    ]
)
def test_unreadable_amount_gets_a_reason(text: str, reason: str) -> None:
    with pytest.raises(AmountUnreadable) as unreadable:
        parse_amount(text)
    assert str(unreadable.value) == reason


@every_case(
    [("", 0), ("12", 12), ("10.0", 10), ("1.2E+06", 1_200_000), ("1,200", 1200), (" 7 ", 7), ("1 200", 1200)]
)
def test_count_is_read_from_its_spellings(text: str, count: int) -> None:
    assert parse_count(text) == count


@every_case(
    [
        ("-5", "is negative, and a count cannot be"),
        ("1.5", "is not a whole number"),
        ("many", "is not a number"),
        ("1e30", "is too large for a count"),
        ("NaN", "is not a number"),
        ("٣", "is not a number"),
        ("²", "is not a number"),
    ]
)
def test_unreadable_count_gets_a_reason(text: str, reason: str) -> None:
    with pytest.raises(AmountUnreadable) as unreadable:
        parse_count(text)
    assert str(unreadable.value) == reason


@every_case(
    [
        (["5", "7"], False),
        (["1.5", "1,234"], False),
        (["1,5", "1.234"], True),
        (["1.234.567"], True),
        (["1,234,567"], False),
        (["0,125", "1.234"], True),
        (["1.234"], False),
        (["$1,234.50"], False),
        (["1,234"], None),
        (["1,234.50", "1.234,50"], None),
    ]
)
def test_column_decides_its_decimal_sign_or_leaves_it_open(
    cells: list[str], decimal_comma: bool | None
) -> None:
    assert find_decimal_style(cells).decimal_comma is decimal_comma


@given(st.decimals(0, 10**8, places=4), st.booleans())
def test_every_written_amount_is_read_back(value: Decimal, decimal_comma: bool) -> None:
    text = f"{value:,.4f}"
    if decimal_comma:
        text = text.translate(str.maketrans(",.", ".,"))
    assert parse_amount(text, decimal_comma) == value


@given(st.text(max_size=80), st.booleans())
def test_any_text_is_an_amount_or_gets_a_reason(text: str, decimal_comma: bool) -> None:
    for parse in (parse_amount, parse_count):
        try:
            assert parse(text, decimal_comma) == parse(text, decimal_comma)
        except AmountUnreadable as unreadable:
            reason = str(unreadable)
            assert reason


@every_case(
    [
        ("0.00000000005", "0.0000000001"),
        ("-0.00000000005", "-0.0000000001"),
        ("0.00000000015", "0.0000000002"),
        ("0.00000000014", "0.0000000001"),
        ("99999999.99999999994", "99999999.9999999999"),
    ]
)
def test_amounts_round_as_the_database_rounds(amount: str, rounded: str) -> None:
    assert round_amount(Decimal(amount)) == Decimal(rounded)
