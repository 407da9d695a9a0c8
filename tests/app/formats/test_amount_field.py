"""Amounts in form fields."""

from decimal import Decimal

import pytest

from app.formats.amount_field import read_amount, show_amount
from tally.core.amounts import AmountUnreadable
from tests.every_case import every_case


@every_case(
    [
        ("19.99", "19.99"),
        ("$1,234.50", "1234.50"),
        ("12,50", "12.50"),
        ("1.234,50", "1234.50"),
        (" 20 ", "20"),
        ("0.0000000001", "0.0000000001"),
    ]
)
def test_typed_amounts_are_read_exactly(text: str, amount: str) -> None:
    assert read_amount(text) == Decimal(amount)


@every_case([(text,) for text in ["", "NaN", "1e99", "1,234", "0.00000000001", "100000000", "<b>"]])
def test_other_text_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(AmountUnreadable, match=r"\.$"):
        read_amount(text)


def test_amounts_show_as_a_user_would_type_them() -> None:
    assert show_amount(Decimal("20.0000000000")) == "20.00"
    assert show_amount(Decimal("0.1234000000")) == "0.1234"
