"""Archived days in words, for the period that a page shows."""

from datetime import date

import pytest

from app.figures.archived import WHAT, Days, describe_archived, needs_records

JANUARY = Days(date(2026, 1, 1), date(2026, 1, 31))
MARCH = Days(date(2026, 3, 1), date(2026, 3, 31))


@pytest.mark.parametrize(
    ("first", "last", "named"),
    [
        (None, None, "1 to 31 Jan 2026 and 1 to 31 Mar 2026"),
        (date(2026, 1, 20), date(2026, 2, 28), "20 to 31 Jan 2026"),
        (date(2026, 2, 1), None, "1 to 31 Mar 2026"),
        (date(2026, 2, 1), date(2026, 2, 28), None),
        (date(2026, 1, 31), date(2026, 3, 1), "31 Jan 2026 and 1 Mar 2026"),
    ],
)
def test_what_of_a_period_is_archived(first: date | None, last: date | None, named: str | None) -> None:
    wanted = named and f"Records of {named} are archived. {WHAT}"
    assert describe_archived([JANUARY, MARCH], first, last) == wanted


def test_many_stretches_are_not_all_named() -> None:
    days = [Days(date(2026, month, 1), date(2026, month, 2)) for month in (1, 3, 5, 7, 9)]
    assert " and others are archived." in str(describe_archived(days, None, None))


@pytest.mark.parametrize(
    ("measure", "dimensions", "granularity", "needed"),
    [
        ("spend", ["provider", "person"], "day", False),
        ("spend", [], "hour", True),
        ("tokens", ["session"], "day", True),
        ("requests", ["model", "tag"], "month", True),
        ("cached_requests", ["model"], "month", True),
    ],
)
def test_questions_that_sums_of_days_answer_need_no_records(
    measure: str, dimensions: list[str], granularity: str, needed: bool
) -> None:
    assert needs_records(measure, dimensions, granularity) == needed
