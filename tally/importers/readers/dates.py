"""Dates and times in the formats of spreadsheets and exports, parsed to instants or days."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from tally.core.records import day_instant

FIRST_YEAR, LAST_YEAR = 2020, 2100
EXAMPLES = 3
MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)

_TIME = r"(?:[,T]?\s*(?P<time>[0-9]{1,2}:.*))?"
_YEAR_FIRST = re.compile(
    r"(?P<year>[0-9]{4})([-/.])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})" + _TIME, re.DOTALL
)
_YEAR_LAST = re.compile(
    r"(?P<first>[0-9]{1,2})([-/.])(?P<second>[0-9]{1,2})\2(?P<year>[0-9]{4})" + _TIME, re.DOTALL
)
_DAY_MONTH = re.compile(
    r"(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?\.?[\s-]+(?P<month>[A-Za-z]{3,9})\.?,?[\s-]+(?P<year>[0-9]{4})"
    + _TIME,
    re.DOTALL,
)
_MONTH_DAY = re.compile(
    r"(?P<month>[A-Za-z]{3,9})\.?\s+(?P<day>[0-9]{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>[0-9]{4})" + _TIME,
    re.DOTALL,
)
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>z|utc|gmt|[-+][0-9]{2}(?::?[0-9]{2})?)?",
    re.IGNORECASE,
)


class DateUnreadable(ValueError):
    """A cell that is not a valid date; the text gives the reason."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of an event: an instant, and the day if no time was given."""

    timestamp: datetime
    day: date | None

    @property
    def key(self) -> str:
        """Identity in any time zone: the day where only a day was given, else the instant."""
        return (self.day or self.timestamp).isoformat()


@dataclass(slots=True)
class DayOrder:
    """Evidence in a column of dates such as 03/04/2026 for the order of day and month, with examples."""

    day_first: list[str] = field(default_factory=list)
    month_first: list[str] = field(default_factory=list)
    either: list[str] = field(default_factory=list)

    @property
    def decided(self) -> bool | None:
        """True for day first, False for month first, None without clear evidence."""
        if bool(self.day_first) != bool(self.month_first):
            return bool(self.day_first)
        return None if self.day_first or self.either else False


def find_day_order(cells: Iterable[str]) -> DayOrder:
    """Search a column for dates that are valid in one order only."""
    order = DayOrder()
    for cell in set(cells):
        match = _YEAR_LAST.fullmatch(cell.strip())
        if match is None:
            continue
        first, second = int(match["first"]), int(match["second"])
        if first > 12 >= second:
            order.day_first.append(cell)
        elif second > 12 >= first:
            order.month_first.append(cell)
        elif first != second and first <= 12:
            order.either.append(cell)
    for examples in (order.day_first, order.month_first, order.either):
        examples[:] = sorted(examples)[:EXAMPLES]
    return order


def parse_moment(text: str, timezone_name: str, day_first: bool) -> Moment:
    """Parse a date as a local day, and a time without a zone as local time; raises DateUnreadable.

    For a time that a clock change skips, the offset before it applies; for one that it repeats, the first.
    """
    body = text.strip()
    match = (
        _YEAR_FIRST.fullmatch(body)
        or _YEAR_LAST.fullmatch(body)
        or _DAY_MONTH.fullmatch(body)
        or _MONTH_DAY.fullmatch(body)
    )
    if not body:
        raise DateUnreadable("is empty")
    if match is None:
        raise DateUnreadable("is not a valid date; write it as 2026-11-02")
    day = _parse_day(match.groupdict(), day_first)
    if match["time"] is None:
        return Moment(day_instant(day, timezone_name), day)
    return Moment(_parse_instant(day, match["time"].strip(), timezone_name), None)


def _parse_day(parts: dict[str, str | None], day_first: bool) -> date:
    if "first" in parts:
        day, month = (parts["first"], parts["second"]) if day_first else (parts["second"], parts["first"])
    else:
        day, month = parts["day"], parts["month"]
    year = int(parts["year"] or 0)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise DateUnreadable(f"is in the year {year}; Tally stores records from {FIRST_YEAR} to {LAST_YEAR}")
    month_number = _month_number(month or "")
    try:
        return date(year, month_number, int(day or 0))
    except ValueError:
        raise DateUnreadable("does not exist in the calendar") from None


def _month_number(text: str) -> int:
    if text.isdigit():
        return int(text)
    name = text.lower()
    for number, month in enumerate(MONTHS, start=1):
        if month.startswith(name) or (name == "sept" and month == "september"):
            return number
    raise DateUnreadable("is not a valid date; write it as 2026-11-02")


def _parse_instant(day: date, text: str, timezone_name: str) -> datetime:
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise DateUnreadable("has an invalid time; write it as 2026-11-02 14:30")
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            raise DateUnreadable("has a time that does not exist")
        hour = hour % 12 + (12 if match["half"][0] in "pP" else 0)
    microsecond = int((match["fraction"] or "0").ljust(6, "0")[:6])
    try:
        clock = time(hour, int(match["minute"]), int(match["second"] or 0), microsecond)
        zone = _parse_zone(match["zone"]) or ZoneInfo(timezone_name)
    except ValueError:
        raise DateUnreadable("has a time that does not exist") from None
    return datetime.combine(day, clock, zone).astimezone(UTC)


def _parse_zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    hours, minutes = int(text[1:3]), int(text[3:].lstrip(":") or 0)
    if hours > 14 or minutes > 59:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)
