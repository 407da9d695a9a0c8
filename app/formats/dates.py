"""Days, months and moments as text."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel.dates import format_date

from app.formats.locale import DAY_PATTERN, LOCALE, MONTH_PATTERN, SHORT_DAY_PATTERN
from app.formats.text import DASH


def format_day(day: date) -> str:
    """A day with its year: 20 Nov 2026."""
    return format_date(day, DAY_PATTERN, LOCALE)


def format_short_day(day: date, today: date) -> str:
    """A day, without its year where that is the current one: 20 Nov."""
    return format_date(day, SHORT_DAY_PATTERN, LOCALE) if day.year == today.year else format_day(day)


def format_recent_day(day: date, today: date) -> str:
    """A past day: Today, Yesterday, or the day with its year."""
    return {0: "Today", 1: "Yesterday"}.get((today - day).days) or format_day(day)


def format_days(first: date, last: date) -> str:
    """A range of days, with a common year once."""
    return format_day(last) if first == last else f"{format_short_day(first, last)} {DASH} {format_day(last)}"


def format_span(first: date, last: date) -> str:
    """A range of days within a sentence: 2 to 27 Nov 2026."""
    if first == last:
        return format_day(last)
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day} to {format_day(last)}"
    return f"{format_short_day(first, last)} to {format_day(last)}"


def format_month(day: date) -> str:
    """The month of a day: Nov 2026."""
    return format_date(day, MONTH_PATTERN, LOCALE)


def format_instant(moment: datetime, zone: ZoneInfo) -> str:
    """A moment on the account's clock: 20 Nov 2026, 14:05."""
    local = moment.astimezone(zone)
    return f"{format_day(local.date())}, {local:%H:%M}"
