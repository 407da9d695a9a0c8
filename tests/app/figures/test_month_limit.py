"""The limit of the whole month in the display currency."""

from datetime import date
from decimal import Decimal

from app.figures.currencies import Currency
from app.figures.month_limit import find_month_limit

DAY = date(2026, 1, 20)


def test_the_first_limit_with_a_rate_counts() -> None:
    assert find_month_limit([], Currency(), DAY) is None
    assert find_month_limit([(Decimal(400), "USD"), (Decimal(500), "USD")], Currency(), DAY) == 400
    in_euro = find_month_limit([(Decimal(400), "EUR")], Currency(), DAY)
    assert in_euro is not None
    assert in_euro > 400, "a euro was more than a dollar"
    assert find_month_limit([(Decimal(400), "LTL"), (Decimal(7), "USD")], Currency(), DAY) == 7
