"""Periods: every day is in exactly one, and each begins on the day after the one before."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.budgets.periods import Period, PeriodKind, find_period

KINDS: tuple[PeriodKind, ...] = ("day", "week", "month", "quarter", "year")
DAYS = st.dates(date(2019, 12, 1), date(2100, 1, 1))


@given(st.sampled_from(KINDS), st.integers(1, 28), DAYS)
def test_every_day_is_in_exactly_one_period(kind: PeriodKind, start: int, day: date) -> None:
    period = find_period(kind, start, day)
    previous = find_period(kind, start, period.first - timedelta(days=1))
    following = find_period(kind, start, period.last + timedelta(days=1))
    assert day in period
    assert day not in previous
    assert day not in following
    assert previous.last + timedelta(days=1) == period.first
    assert period.last + timedelta(days=1) == following.first
    assert find_period(kind, start, period.first) == find_period(kind, start, period.last) == period


@given(st.sampled_from(KINDS), st.integers(1, 28), DAYS)
def test_a_period_has_the_length_that_its_name_says(kind: PeriodKind, start: int, day: date) -> None:
    lengths = {
        "day": {1},
        "week": {7},
        "month": {28, 29, 30, 31},
        "quarter": {90, 91, 92},
        "year": {365, 366},
    }
    assert find_period(kind, start, day).days in lengths[kind]


@pytest.mark.parametrize(
    ("kind", "start", "day", "first", "last"),
    [
        ("week", 1, date(2026, 11, 29), date(2026, 11, 23), date(2026, 11, 29)),
        ("month", 1, date(2028, 2, 29), date(2028, 2, 1), date(2028, 2, 29)),
        ("month", 15, date(2026, 1, 14), date(2025, 12, 15), date(2026, 1, 14)),
        ("month", 15, date(2026, 1, 15), date(2026, 1, 15), date(2026, 2, 14)),
        ("month", 28, date(2026, 3, 1), date(2026, 2, 28), date(2026, 3, 27)),
        ("quarter", 1, date(2026, 11, 29), date(2026, 10, 1), date(2026, 12, 31)),
        ("year", 1, date(2028, 12, 31), date(2028, 1, 1), date(2028, 12, 31)),
    ],
)
def test_periods_that_are_easy_to_get_wrong(
    kind: PeriodKind, start: int, day: date, first: date, last: date
) -> None:
    assert find_period(kind, start, day) == Period(first, last)
