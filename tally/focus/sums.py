"""Sums of a workspace's costs by UTC day and all that a row of FOCUS tells, as the database adds them up."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tally.core.months import add_months
from tally.core.records import ChargeType, CostBasis
from tally.storage.database import Database, TimedOut, TooMuch

FIRST_DAY = date(2020, 1, 1)  # the database has no earlier records, and none more than a year ahead
SHORTEST = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class CostSum:
    """Costs of a UTC day that share everything but their tokens and amounts."""

    day: date
    provider: str
    service: str
    model: str
    cost_basis: CostBasis
    charge_type: ChargeType
    billing_account: str | None
    project: str | None
    money_is_effective: bool  # False: another source tells the money
    is_unpriced: bool
    details: Mapping[str, Any]
    cost_usd: Decimal
    input_tokens: int  # cached ones and writes included, as in records
    output_tokens: int
    cached_input_tokens: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    requests: int
    records: int


NAMES = [field.name for field in fields(CostSum)]


def list_months(first: date, last: date) -> Iterator[tuple[date, date]]:
    """The calendar months of a period, within it: the first day of each, and the day after its last."""
    start = first
    while start <= last:
        end = min(add_months(start.replace(day=1), 1), last + timedelta(days=1))
        yield start, end
        start = end


def load_sums(database: Database, first: date, last: date) -> Iterator[CostSum]:
    """The sums of UTC days, both ends included, month by month."""
    for start, end in list_months(first, last):
        yield from load_between(database, day_start(start), day_start(end))


def load_between(database: Database, since: datetime, until: datetime) -> Iterator[CostSum]:
    """The sums of [since, until), in as many requests as it takes: what is too much at once is halved."""
    try:
        rows = database.call("focus_rows", since=since.isoformat(), until=until.isoformat())
    except (TooMuch, TimedOut):
        if until - since <= SHORTEST:
            raise
        middle = since + ((until - since) / 2)
        yield from load_between(database, since, middle)
        yield from load_between(database, middle, until)
        return
    yield from map(_read_sum, rows)


def day_start(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime.combine(day, time(), UTC)


def _read_sum(row: Mapping[str, Any]) -> CostSum:
    told = {name: row[name] for name in NAMES}
    return CostSum(**told | {"day": date.fromisoformat(told["day"]), "cost_usd": Decimal(told["cost_usd"])})
