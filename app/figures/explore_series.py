"""The steps of time of an Explore chart, and the values at them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

Moment = datetime | int  # a local hour, day, week or month; or the number of a weekday or hour

CYCLES = {"weekday": range(1, 8), "hour_of_day": range(24), "weekday_hour": range(168)}
HOURS_A_DAY, DAYS_A_WEEK = 24, 7
MONTHS_A_YEAR = 12


def parse_moment(at: str | int) -> Moment:
    """The place of a point in time."""
    return at if isinstance(at, int) else datetime.fromisoformat(at)


def list_moments(granularity: str, first: date, last: date) -> list[Moment]:
    """All steps of a period, also those without costs; weeks begin on Monday."""
    if granularity in CYCLES:
        return list(CYCLES[granularity])
    start, days = datetime.combine(first, time()), (last - first).days + 1
    if granularity == "hour":
        return [start + timedelta(hours=hour) for hour in range(days * HOURS_A_DAY)]
    if granularity == "month":
        return list(_list_months(first, last))
    if granularity == "week":
        start -= timedelta(days=first.weekday())
        days = (last - start.date()).days + 1
        return [start + timedelta(days=day) for day in range(0, days, DAYS_A_WEEK)]
    return [start + timedelta(days=day) for day in range(days)]


def begin_with_costs(moments: Sequence[Moment], found: Iterable[Moment], least: int) -> list[Moment]:
    """The steps from the first with costs on, but at least the last few."""
    first = min(found, default=None)
    if first is None:
        return list(moments)
    begin = next((place for place, moment in enumerate(moments) if moment >= first), 0)  # type: ignore[operator]
    return list(moments[max(0, min(begin, len(moments) - least)) :])


def fill(
    known: Mapping[Moment, Decimal | None], moments: Sequence[Moment], absent: float | None = 0.0
) -> list[float | None]:
    """A value for each step; those without a point are `absent`."""
    return [absent if moment not in known else _as_float(known[moment]) for moment in moments]


def sum_by_moment(points: Iterable[tuple[Moment, Decimal | None]]) -> dict[Moment, Decimal]:
    """The sum of all groups at each step."""
    sums: dict[Moment, Decimal] = {}
    for moment, value in points:
        sums[moment] = sums.get(moment, Decimal(0)) + (value or Decimal(0))
    return sums


def _list_months(first: date, last: date) -> Iterable[datetime]:
    months = range(first.year * MONTHS_A_YEAR + first.month - 1, last.year * MONTHS_A_YEAR + last.month)
    for month in months:
        yield datetime(month // MONTHS_A_YEAR, month % MONTHS_A_YEAR + 1, 1)  # noqa: DTZ001 - a local month


def _as_float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
