"""Amounts of each measure as text."""

from decimal import Decimal

from app.formats.measures import format_measure
from tests.every_case import every_case


@every_case(
    [
        (Decimal("12.345"), "money", "$12.35"),
        (Decimal("0.00123"), "ratio", "$0.00123"),
        (Decimal("1234567"), "tokens", "1.23M"),
        (Decimal("-20000"), "tokens", "\N{MINUS SIGN}20K"),
        (Decimal(0), "tokens", "–"),  # noqa: RUF001 - none are known
        (Decimal(0), "requests", "0"),
        (Decimal("1482"), "requests", "1,482"),
        (1.5, "money", "$1.50"),
        (None, "ratio", "–"),  # noqa: RUF001 - an en dash
    ]
)
def test_amount_has_the_form_of_its_unit(amount: Decimal | float | None, unit: str, shown: str) -> None:
    assert format_measure(amount, unit, "USD") == shown
