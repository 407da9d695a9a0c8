"""Calendar months: every day of one falls on a day of another, and all days are in a month."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tally.core.months import add_months, last_day_of_month, month_before
from tests.every_case import every_case

DAYS = st.dates(date(1990, 1, 1), date(2100, 12, 31))


@every_case(
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
        (date(2026, 5, 1), 12, date(2027, 5, 1)),
        (date(2026, 5, 1), 0, date(2026, 5, 1)),
    ]
)
def test_same_day_of_another_month(day: date, months: int, then: date) -> None:
    assert add_months(day, months) == then


@given(DAYS, st.integers(-200, 200))
def test_first_days_go_there_and_back(day: date, months: int) -> None:
    first = day.replace(day=1)
    assert add_months(add_months(first, months), -months) == first


@given(DAYS)
def test_months_follow_each_other_without_a_gap(day: date) -> None:
    last = last_day_of_month(day)
    assert day <= last
    assert last + timedelta(days=1) == add_months(day.replace(day=1), 1)
    assert month_before(last + timedelta(days=1)) == (day.replace(day=1), last)
