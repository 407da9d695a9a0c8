"""A monthly limit is kept in dollars and reads as it was typed."""

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
    """As they are after somebody typed a limit."""
    kept: dict[str, Any] = parse_limit(text, currency, DAY)
    limit = kept["monthly_limit_usd"]
    return Preferences(monthly_limit_usd=limit and Decimal(limit), metadata=remember_limit(text, currency))


def test_a_limit_in_another_currency_stays_what_was_typed() -> None:
    typed = preferences("100", EURO)
    assert typed.monthly_limit_usd == 200
    assert read_limit(typed, EURO, LATER) == 100
    assert read_limit(typed, Currency(), LATER) == 200


def test_a_limit_follows_the_person_into_another_currency() -> None:
    assert read_limit(preferences("$120.50", Currency()), EURO, LATER) == Decimal("30.12")


@pytest.mark.parametrize("amount", ["-1", "nonsense", None])
def test_what_another_tool_remembered_is_not_trusted(amount: str | None) -> None:
    odd = Preferences(
        monthly_limit_usd=Decimal(50), metadata={"monthly_limit": {"amount": amount, "currency": "USD"}}
    )
    assert read_limit(odd, Currency(), DAY) == 50
    assert read_limit(Preferences(metadata=odd.metadata), Currency(), DAY) is None


def test_an_empty_field_is_no_limit() -> None:
    assert read_limit(preferences(" ", EURO), EURO, DAY) is None


@pytest.mark.parametrize("text", ["0", "-5", "lots", "99999999999", "NaN"])
def test_a_limit_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(AmountUnreadable, match=r"\.$"):
        parse_limit(text, Currency(), DAY)
