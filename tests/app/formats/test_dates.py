"""Days, months and moments as text."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from app.formats.dates import format_day, format_days, format_instant, format_month, format_short_day


def test_day_has_its_year() -> None:
    assert format_day(date(2026, 9, 5)) == "5 Sep 2026"


def test_month_has_its_year() -> None:
    assert format_month(date(2026, 9, 5)) == "Sep 2026"


def test_short_day_leaves_out_the_current_year() -> None:
    today = date(2026, 11, 20)
    assert format_short_day(date(2026, 1, 2), today) == "2 Jan"
    assert format_short_day(date(2025, 12, 31), today) == "31 Dec 2025"


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2026, 11, 20), date(2026, 11, 20), "20 Nov 2026"),
        (date(2026, 11, 20), date(2026, 12, 3), "20 Nov – 3 Dec 2026"),  # noqa: RUF001 - an en dash
        (date(2026, 12, 20), date(2027, 1, 3), "20 Dec 2026 – 3 Jan 2027"),  # noqa: RUF001
    ],
)
def test_range_of_days_has_a_common_year_once(first: date, last: date, text: str) -> None:
    assert format_days(first, last) == text


def test_moment_is_on_the_clock_of_the_zone() -> None:
    moment = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert format_instant(moment, ZoneInfo("Asia/Kathmandu")) == "21 Nov 2026, 05:15"
