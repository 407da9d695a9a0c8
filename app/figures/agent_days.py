"""Today, this week, streaks, records and heatmaps of coding agents, from the use of their days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from statistics import median
from typing import NamedTuple
from zoneinfo import ZoneInfo

from app.figures.agent_usage import DayUse, HourUse, Money, WeekHour, sum_money
from tally.core.known_days import KnownDays

ZERO = Decimal(0)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
YEAR_DAYS = 365
USUAL_WEEKS = 8
LEVELS = 4
HOURS = 24


class Today(NamedTuple):
    """The value of today by hour, and that of a usual day of its weekday; None before there was one."""

    money: Money
    usual: Decimal | None
    hours: tuple[float, ...]


class ThisWeek(NamedTuple):
    """The value since Monday by day, and that of the same days a week before, None if it is not known."""

    money: Money
    before: Decimal | None
    days: tuple[float, ...]


class Streak(NamedTuple):
    """Days in a row with agents."""

    first: date | None
    last: date | None
    days: int


class YearFigures(NamedTuple):
    """Streaks and records of the last 365 days."""

    current: Streak
    longest: Streak
    highest: tuple[date, Decimal] | None
    active: int


@dataclass(frozen=True, slots=True)
class HeatDay:
    """A square of the year; a level from 0 to 4, None after today."""

    day: date
    value: Decimal
    level: int | None


class YearHeat(NamedTuple):
    """The weeks of the year from Monday to Sunday, and from which value on a day has the highest level."""

    weeks: Sequence[Sequence[HeatDay]]
    high: Decimal


class Busiest(NamedTuple):
    """The hour of the week of most value."""

    weekday: int
    hour: int


def sum_by_day(days: Iterable[DayUse]) -> dict[date, Money]:
    """The use of days over agents."""
    sums: dict[date, Money] = defaultdict(Money)
    for use in days:
        sums[use.day] += use.money
    return dict(sums)


def list_active(days: Iterable[DayUse]) -> set[date]:
    """Days with requests or tokens."""
    return {use.day for use in days if use.requests or use.tokens}


def describe_today(
    by_day: Mapping[date, Money], hours: Iterable[HourUse], today: date, zone: ZoneInfo
) -> Today:
    """Today beside the median of the same weekday in the weeks before, since the first day of use."""
    begun = min(by_day, default=today)
    same = [today - WEEK * back for back in range(1, USUAL_WEEKS + 1)]
    values = [by_day[day].value if day in by_day else ZERO for day in same if day >= begun]
    by_hour = [0.0] * HOURS
    for hour in hours:
        local = hour.start.astimezone(zone)
        if local.date() == today:
            by_hour[local.hour] += float(hour.value)
    return Today(by_day.get(today, Money()), median(values) if values else None, tuple(by_hour))


def describe_week(by_day: Mapping[date, Money], today: date) -> ThisWeek:
    """This week beside the same days of the one before."""
    days = [monday_of(today) + DAY * nth for nth in range(today.weekday() + 1)]
    known = KnownDays(days[0] - WEEK, days[-1] - WEEK, min(by_day, default=None))
    before = sum((by_day[day - WEEK].value for day in days if day - WEEK in by_day), ZERO)
    money = [by_day.get(day, Money()) for day in days]
    values = tuple(float(one.value) for one in money)
    return ThisWeek(sum_money(money), before if known.is_complete else None, values)


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - DAY * day.weekday()


def calculate_year(days: Sequence[DayUse], today: date) -> YearFigures:
    """Streaks and records; a day that has just begun does not end a streak."""
    first = today - DAY * (YEAR_DAYS - 1)
    active = {day for day in list_active(days) if first <= day <= today}
    streaks = _list_streaks(active)
    current = next((one for one in streaks if one.last in (today, today - DAY)), Streak(None, None, 0))
    longest = max(streaks, key=lambda one: (one.days, one.last), default=Streak(None, None, 0))
    by_day = {
        day: money.value for day, money in sum_by_day(days).items() if day in active and money.value > 0
    }
    top = max(by_day, key=lambda day: (by_day[day], day), default=None)
    return YearFigures(current, longest, None if top is None else (top, by_day[top]), len(active))


def _list_streaks(active: Iterable[date]) -> list[Streak]:
    streaks: list[list[date]] = []
    for day in sorted(active):
        if streaks and streaks[-1][-1] == day - DAY:
            streaks[-1].append(day)
        else:
            streaks.append([day])
    return [Streak(days[0], days[-1], len(days)) for days in streaks]


def draw_year(days: Sequence[DayUse], today: date) -> YearHeat:
    """The last 53 weeks; levels are quarters of the days with agents, by value."""
    first = monday_of(today) - WEEK * 52
    by_day, active = sum_by_day(days), list_active(days)
    values = sorted(by_day[day].value for day in active if first <= day <= today)
    bounds = [_find_quantile(values, Decimal(nth) / LEVELS) for nth in range(1, LEVELS)]

    def square(day: date) -> HeatDay:
        value = by_day[day].value if day in by_day else ZERO
        if day > today:
            return HeatDay(day, value, None)
        level = 1 + sum(value >= bound for bound in bounds) if day in active else 0
        return HeatDay(day, value, level)

    weeks = [[square(first + WEEK * week + DAY * nth) for nth in range(7)] for week in range(53)]
    return YearHeat(weeks, bounds[-1])


def _find_quantile(values: Sequence[Decimal], share: Decimal) -> Decimal:
    return values[min(int(len(values) * share), len(values) - 1)] if values else ZERO


def draw_week(week: Iterable[WeekHour]) -> list[list[int]]:
    """The level of every hour of the week, from Monday: 0 without requests, up to 4."""
    used = {(hour.weekday, hour.hour): float(hour.value_usd) for hour in week if hour.requests}
    top = max(used.values(), default=0.0)
    return [[_find_level(used.get((day, hour)), top) for hour in range(HOURS)] for day in range(1, 8)]


def _find_level(value: float | None, top: float) -> int:
    if value is None:
        return 0
    return max(1, ceil(LEVELS * value / top)) if top > 0 else 1


def find_busiest(week: Iterable[WeekHour]) -> Busiest | None:
    """The hour of most value, of equal ones that with more requests."""
    used = [hour for hour in week if hour.requests]
    top = max(used, key=lambda hour: (hour.value_usd, hour.requests), default=None)
    return None if top is None else Busiest(top.weekday, top.hour)


@dataclass(frozen=True, slots=True)
class Block:
    """Five hours from the first request on, as plans count them, or a week."""

    start: datetime
    end: datetime
    value: Decimal
    high: Decimal  # the highest earlier one; 0 where there is none

    @property
    def share(self) -> Decimal | None:
        """The part of the highest one; None without one."""
        return self.value / self.high if self.high > 0 else None


BLOCK = timedelta(hours=5)


def find_block(hours: Sequence[HourUse], now: datetime) -> Block | None:
    """The block of five hours that is running, beside the highest one before; None between blocks.

    A block begins with the whole hour of its first request; the next one with the first request after it.
    """
    blocks: list[tuple[datetime, Decimal]] = []
    for hour in sorted(hours):
        if not hour.requests and not hour.value:
            continue
        if blocks and hour.start < blocks[-1][0] + BLOCK:
            blocks[-1] = (blocks[-1][0], blocks[-1][1] + hour.value)
        else:
            blocks.append((hour.start, hour.value))
    if not blocks or not blocks[-1][0] <= now < blocks[-1][0] + BLOCK:
        return None
    start, value = blocks[-1]
    return Block(start, start + BLOCK, value, max((one for _, one in blocks[:-1]), default=ZERO))


def find_highest_block(hours: Sequence[HourUse]) -> Decimal:
    """The value of the highest block."""
    after = max((hour.start for hour in hours), default=None)
    if after is None:
        return ZERO
    last = find_block(hours, after)
    return ZERO if last is None else max(last.value, last.high)


def find_week(by_day: Mapping[date, Money], today: date, zone: ZoneInfo) -> Block:
    """This week beside the highest one before."""
    monday = monday_of(today)
    weeks: dict[date, Decimal] = defaultdict(Decimal)
    for day, money in by_day.items():
        weeks[monday_of(day)] += money.value
    high = max((value for start, value in weeks.items() if start < monday), default=ZERO)
    start, end = (datetime.combine(day, datetime.min.time(), zone) for day in (monday, monday + WEEK))
    return Block(start, end, weeks.get(monday, ZERO), high)
