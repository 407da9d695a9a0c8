"""Earlier periods: known from their first day on, in part, or not at all."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tally.core.known_days import KnownDays

FIRST, LAST = date(2026, 10, 2), date(2026, 10, 31)


def test_period_is_complete_where_records_begin_with_it() -> None:
    for begins, is_complete, since in (
        (None, False, None),
        (FIRST - timedelta(days=400), True, None),
        (FIRST, True, None),
        (FIRST + timedelta(days=1), False, FIRST + timedelta(days=1)),
        (LAST, False, LAST),
        (LAST + timedelta(days=1), False, None),
    ):
        known = KnownDays(FIRST, LAST, begins)
        assert (known.is_complete, known.since) == (is_complete, since), begins


@given(st.none() | st.dates())
def test_period_is_never_both_complete_and_begun_within(begins: date | None) -> None:
    known = KnownDays(FIRST, LAST, begins)
    assert not (known.is_complete and known.since)
