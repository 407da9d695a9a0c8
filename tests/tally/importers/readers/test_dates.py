"""Dates and times in the formats that people write."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tally.importers.readers.dates import DateUnreadable, find_day_order, parse_moment
from tests.every_case import every_case


@every_case(
    [
        ("2026-11-02", False),
        ("2026-11-2", False),
        ("2026/11/02", False),
        ("2 Nov 2026", False),
        ("02-Nov-2026", False),
        ("2nd November 2026", False),
        ("Nov 2, 2026", False),
        ("November 2 2026", False),
        ("11/02/2026", False),
        ("02.11.2026", True),
        ("2-11-2026", True),
        (" 2026-11-02 ", False),
    ]
)
def test_date_is_a_day_in_the_users_timezone(text: str, day_first: bool) -> None:
    moment = parse_moment(text, "America/New_York", day_first)
    assert moment.day == date(2026, 11, 2)
    assert moment.timestamp == datetime(2026, 11, 2, 12, tzinfo=UTC)


@every_case(
    [
        ("2026-11-02T09:30:00Z", 9, 30),
        ("2026-11-02 09:30 UTC", 9, 30),
        ("2026-11-02T09:30:00.123456789+05:45", 3, 45),
        ("2026-11-02 09:30:00+00", 9, 30),
        ("2026-11-02T09:30", 8, 30),
        ("11/02/2026 9:30 PM", 20, 30),
        ("11/02/2026, 12:30 AM", 23, 30),
        ("2 Nov 2026 09:30", 8, 30),
    ]
)
def test_time_without_a_zone_is_in_the_users_timezone(text: str, hour: int, minute: int) -> None:
    moment = parse_moment(text, "Europe/Berlin", day_first=False)
    assert moment.day is None
    assert (moment.timestamp.hour, moment.timestamp.minute) == (hour, minute)


def test_skipped_time_uses_the_earlier_offset_and_a_repeated_time_is_the_first() -> None:
    skipped = parse_moment("2026-03-29 02:30", "Europe/Berlin", day_first=False)
    repeated = parse_moment("2026-10-25 02:30", "Europe/Berlin", day_first=False)
    assert skipped.timestamp == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert repeated.timestamp == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@every_case(
    [
        ("", "is empty"),
        ("yesterday", "is not a valid date; write it as 2026-11-02"),
        ("11/02/26", "is not a valid date; write it as 2026-11-02"),
        ("46328", "is not a valid date; write it as 2026-11-02"),
        ("2 Smarch 2026", "is not a valid date; write it as 2026-11-02"),
        ("2026-02-30", "does not exist in the calendar"),
        ("2026-13-01", "does not exist in the calendar"),
        ("25/25/2026", "does not exist in the calendar"),
        ("1999-12-31", "is in the year 1999; Tally stores records from 2020 to 2100"),
        ("9999-12-31", "is in the year 9999; Tally stores records from 2020 to 2100"),
        ("2026-11-02 25:00", "has a time that does not exist"),
        ("2026-11-02 13:00 PM", "has a time that does not exist"),
        ("2026-11-02 10:00+99:00", "has a time that does not exist"),
        ("2026-11-02 10:00 CET", "has an invalid time; write it as 2026-11-02 14:30"),
    ]
)
def test_invalid_date_is_refused_with_a_reason(text: str, reason: str) -> None:
    with pytest.raises(DateUnreadable) as unreadable:
        parse_moment(text, "UTC", day_first=False)
    assert str(unreadable.value) == reason


@every_case(
    [
        (["2026-11-02"], False),
        (["03/04/2026", "25/04/2026"], True),
        (["03/04/2026", "04/25/2026"], False),
        (["05/05/2026"], False),
        (["03/04/2026"], None),
        (["03.04.2026"], None),
        (["25/04/2026", "04/25/2026"], None),
    ]
)
def test_column_shows_the_order_of_day_and_month_or_leaves_it_open(
    cells: list[str], day_first: bool | None
) -> None:
    assert find_day_order(cells).decided is day_first


@settings(deadline=None)
@given(st.text(alphabet="0123456789-/.: TZ+NovAPM", max_size=30), st.booleans())
def test_any_text_is_a_date_or_refused_with_a_reason(text: str, day_first: bool) -> None:
    try:
        moment = parse_moment(text, "Asia/Kathmandu", day_first)
    except DateUnreadable as unreadable:
        reason = str(unreadable)
        assert reason
    else:
        assert 2019 <= moment.timestamp.year <= 2101
