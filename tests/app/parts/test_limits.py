"""Monthly limits are stored in dollars and shown as they were typed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.data import Preferences
from app.figures.currencies import Currency
from app.parts.limits import parse_limit, read_limit, remember_limit
from tally.core.amounts import AmountUnreadable
from tally.currency.rates import Rates

DAY, LATER = date(2026, 3, 2), date(2026, 3, 3)
EURO = Currency("EUR", Rates([(DAY, "USD", Decimal(2)), (LATER, "USD", Decimal(4))]))


def preferences(text: str, currency: Currency) -> Preferences:
    """Preferences after saving a typed limit."""
    saved: dict[str, Any] = parse_limit(text, currency, DAY)
    limit = saved["monthly_limit_usd"]
    return Preferences(monthly_limit_usd=limit and Decimal(limit), metadata=remember_limit(text, currency))


def test_limit_in_another_currency_stays_as_typed() -> None:
    typed = preferences("100", EURO)
    assert typed.monthly_limit_usd == 200
    assert read_limit(typed, EURO, LATER) == 100
    assert read_limit(typed, Currency(), LATER) == 200


def test_limit_is_converted_to_a_newly_chosen_currency() -> None:
    assert read_limit(preferences("$120.50", Currency()), EURO, LATER) == Decimal("30.12")


@pytest.mark.parametrize("amount", ["-1", "nonsense", None])
def test_invalid_metadata_is_ignored(amount: str | None) -> None:
    invalid = Preferences(
        monthly_limit_usd=Decimal(50), metadata={"monthly_limit": {"amount": amount, "currency": "USD"}}
    )
    assert read_limit(invalid, Currency(), DAY) == 50
    assert read_limit(Preferences(metadata=invalid.metadata), Currency(), DAY) is None


def test_empty_field_is_no_limit() -> None:
    assert read_limit(preferences(" ", EURO), EURO, DAY) is None


@pytest.mark.parametrize("text", ["0", "-5", "lots", "99999999999", "NaN"])
def test_invalid_limit_is_refused(text: str) -> None:
    with pytest.raises(AmountUnreadable, match=r"\.$"):
        parse_limit(text, Currency(), DAY)
