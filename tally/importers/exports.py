"""Shared parts of providers' exports: dimensions, numbers, and buckets of UTC time."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from typing import Self, TypeVar

from tally.core.amounts import AmountUnreadable, find_decimal_style, parse_amount, parse_count
from tally.core.records import JSON, CostRecord, day_instant
from tally.importers.protocol import Options, Parsed, RowRejected, checked_name, read_rows, reject_cell
from tally.importers.readers.dates import FIRST_YEAR, LAST_YEAR, DateUnreadable, Moment, parse_moment
from tally.importers.readers.table import Table, quote
from tally.ledger.billing_account import name_account
from tally.pricing.usage import Tier

T = TypeVar("T")
DAY = timedelta(days=1)
KEPT_CELLS = 50_000  # distinct texts whose meaning is kept: a month of minutes
FULL_DAY_SECONDS = 23 * 3_600 + 59 * 60  # some exports end a day at 23:59
# Default values of columns that were added later; they must not change a row's identity.
CLAUDE_DEFAULTS = {
    "context_window": ("≤ 200k", "≤200k", "<= 200k", "0-200k", "200k"),
    "inference_geo": ("not_available", "global"),
    "speed": ("standard",),
    "usage_type": ("standard",),
}

NO_VALUE = ("null", "none", "nan", "\\n")  # as databases and programs write it
LONGEST_NO_VALUE = max(map(len, NO_VALUE))

# Values for longer requests: `> 200k`, `200k - 1M`.
_LONG_CONTEXT = re.compile(r"[>≥]|200k")
_UNIX_SECONDS = re.compile(r"[0-9]{9,10}(?:\.[0-9]{0,9})?")


class Dimensions:
    """Columns that a row is broken down by; with its day they are its identity."""

    def __init__(
        self, table: Table, columns: Sequence[str], defaults: Mapping[str, tuple[str, ...]] | None = None
    ) -> None:
        self._present = [column for column in dict.fromkeys(columns) if table.column(column) is not None]
        self._pick = table.picker(self._present)
        self._defaults = defaults or {}
        self._values: dict[str, dict[str, str]] = {column: {} for column in columns}
        self.read = self.reader(lambda found: found)

    def reader(self, make: Callable[[Mapping[str, str]], T]) -> Callable[[Sequence[str]], T]:
        """A function from a row's cells to what is made of its dimensions, once for equal ones.

        Every dimension is there; empty where it is absent or has a default value.
        """
        pick, make_once = self._pick, lru_cache(KEPT_CELLS)(lambda cells: make(self._check(cells)))
        return lambda cells: make_once(pick(cells))

    def _check(self, cells: Sequence[str]) -> dict[str, str]:
        """The dimensions by column; raises RowRejected."""
        found = dict.fromkeys(self._values, "")
        for column, text in zip(self._present, cells, strict=True):
            cell, values = text.strip(), self._values[column]
            if cell not in values:
                is_default = cell.lower() in self._defaults.get(column, ())
                values[cell] = "" if is_default else checked_name(column, cell)
            found[column] = values[cell]
        return found

    @staticmethod
    def shown(found: Mapping[str, str], model_name: str = "") -> dict[str, JSON]:
        """The filled dimensions to store with the record, without those that repeat its model name."""
        return {column: cell for column, cell in found.items() if cell and cell != model_name}

    def parse_rows(self, table: Table, read_row: Callable[[Sequence[str]], CostRecord | None]) -> Parsed:
        """Parse the rows; the export is broken down by the dimensions that any row fills."""
        parsed = read_rows(table, read_row)
        parsed.grouping = tuple(column for column, values in self._values.items() if any(values))
        return parsed


class Numbers:
    """Columns of numbers, with the decimal sign that a spreadsheet may have changed."""

    def __init__(self, table: Table, options: Options, *columns: str) -> None:
        self._readers = {column: table.reader(column) for column in columns}
        self._present = [column for column in self._readers if table.column(column) is not None]
        self._pick = table.picker(self._present)
        decimal_comma = False if table.from_json else options.decimal_comma
        if decimal_comma is None:
            cells = {cell for _, row in table.rows for cell in self._pick(row)}
            decimal_comma = bool(find_decimal_style(cells).decimal_comma)
        self._parse_amount = partial(parse_amount, decimal_comma=decimal_comma)
        self._parse_count = lru_cache(KEPT_CELLS)(partial(parse_count, decimal_comma=decimal_comma))
        self._absent = dict.fromkeys(self._readers, 0)

    def text(self, column: str, cells: Sequence[str]) -> str:
        """The cell as it is written."""
        return self._readers[column](cells)

    def is_blank(self, column: str, cells: Sequence[str]) -> bool:
        """Check whether the cell has no value, which is not the same as zero."""
        cell = self._readers[column](cells)
        return not cell or (len(cell) <= LONGEST_NO_VALUE and cell.lower() in NO_VALUE)

    def amount_if_any(self, column: str, cells: Sequence[str]) -> Decimal | None:
        """The cell's amount, None where it has no value; raises RowRejected."""
        return None if self.is_blank(column, cells) else self.amount(column, cells)

    def amount(self, column: str, cells: Sequence[str]) -> Decimal:
        """The cell's amount; raises RowRejected."""
        cell = self._readers[column](cells)
        try:
            return self._parse_amount(cell)
        except AmountUnreadable as error:
            raise reject_cell(column, cell, error) from None

    def count(self, column: str, cells: Sequence[str]) -> int:
        """The cell's whole number; raises RowRejected."""
        cell = self._readers[column](cells)
        try:
            return self._parse_count(cell)
        except AmountUnreadable as error:
            raise reject_cell(column, cell, error) from None

    def counts(self, cells: Sequence[str]) -> dict[str, int]:
        """The whole numbers of all columns, 0 where one is absent; raises RowRejected."""
        try:
            found = zip(self._present, map(self._parse_count, self._pick(cells)), strict=True)
            return self._absent | dict(found)
        except AmountUnreadable:
            return {column: self.count(column, cells) for column in self._readers}  # tells which column it is


@dataclass(frozen=True, slots=True)
class Bucket:
    """The period of UTC time that a row sums up; a whole day is stored as a date."""

    timestamp: datetime
    key: str
    day: date | None = None
    metadata: dict[str, JSON] = field(default_factory=dict)  # the length of other periods

    @classmethod
    def of_day(cls, day: date, timezone: str) -> Self:
        """A whole UTC day."""
        return cls(day_instant(day, timezone), day.isoformat(), day)


def utc_day(
    table: Table, options: Options, column: str = "usage_date_utc"
) -> Callable[[Sequence[str]], Bucket]:
    """A reader of a column of UTC days, by default Anthropic's."""
    read_cell = table.reader(column)

    @lru_cache(10_000)
    def read_day(cell: str) -> Bucket:
        moment = read_moment(cell, options.timezone)
        return Bucket.of_day(moment.day or moment.timestamp.date(), options.timezone)

    return lambda cells: read_day(read_cell(cells))


def utc_time(table: Table, options: Options, column: str) -> Callable[[Sequence[str]], Bucket]:
    """A reader of a column of times, UTC unless they have a zone, or Unix seconds; a day stays a day."""
    read_cell = table.reader(column)

    @lru_cache(10_000)
    def read_time(cell: str) -> Bucket:
        if _UNIX_SECONDS.fullmatch(cell):
            instant = datetime.fromtimestamp(float(cell), UTC)
            return Bucket(instant, instant.isoformat())
        moment = read_moment(cell, "UTC")
        if moment.day is None:
            return Bucket(moment.timestamp, moment.key)
        return Bucket.of_day(moment.day, options.timezone)

    return lambda cells: read_time(read_cell(cells))


def bucket(table: Table, options: Options) -> Callable[[Sequence[str]], Bucket]:
    """A reader of OpenAI's start and end columns, in Unix seconds or else in ISO form."""
    columns = ("start_time", "start_time_iso", "end_time", "end_time_iso")
    present = [column for column in columns if table.column(column) is not None]
    pick = table.picker(present)

    @lru_cache(KEPT_CELLS)
    def read_bucket(cells: tuple[str, ...]) -> Bucket:
        texts = dict.fromkeys(columns, "") | dict(zip(present, map(str.strip, cells), strict=True))
        start, start_iso, end, end_iso = texts.values()
        starts, ends = read_instant(start or start_iso), read_instant(end or end_iso)
        if ends <= starts:
            raise RowRejected(
                f"its end {quote(end or end_iso)} is not after its start {quote(start or start_iso)}"
            )
        if ends - starts == DAY and starts.hour == starts.minute == starts.second == 0:
            return Bucket.of_day(starts.date(), options.timezone)
        key = f"{starts.isoformat()}/{ends.isoformat()}"
        return Bucket(starts, key, metadata={"bucket_seconds": int((ends - starts).total_seconds())})

    return lambda cells: read_bucket(pick(cells))


@lru_cache(10_000)
def read_period(start: str, end: str, timezone: str) -> Bucket:
    """The period of a charge: whole days are stored on the first one, others at their first instant."""
    starts = read_instant(start)
    ends = read_instant(end) if end else starts
    seconds = int((ends - starts).total_seconds())
    if starts.hour or starts.minute or starts.second or 0 < seconds < FULL_DAY_SECONDS:
        metadata: dict[str, JSON] = {"bucket_seconds": seconds} if seconds > 0 else {}
        return Bucket(starts, f"{starts.isoformat()}/{ends.isoformat()}", metadata=metadata)
    day = Bucket.of_day(starts.date(), timezone)
    if seconds <= DAY.total_seconds():
        return day
    return replace(day, key=f"{day.key}/{ends.isoformat()}", metadata={"period_end": ends.date().isoformat()})


@lru_cache(10_000)
def read_instant(cell: str) -> datetime:
    """An instant from Unix seconds or from a UTC time or day in ISO form; raises RowRejected."""
    if re.fullmatch(r"[0-9]{9,11}(?:\.0*)?", cell):
        instant = datetime.fromtimestamp(int(float(cell)), UTC)
        if FIRST_YEAR <= instant.year <= LAST_YEAR:
            return instant
        cell = instant.isoformat()
    moment = read_moment(cell, "UTC")
    return moment.timestamp.replace(hour=0) if moment.day else moment.timestamp


def read_moment(cell: str, timezone: str) -> Moment:
    """A day or time in a provider's format; raises RowRejected."""
    cell = re.sub(r"([0-9]{4})([0-9]{2})([0-9]{2})", r"\1-\2-\3", cell) if len(cell) == 8 else cell
    # A spreadsheet that saved the file again may have turned days into 03/04/2026, which is ambiguous.
    if not re.match(r"[0-9]{4}-", cell):
        raise RowRejected(
            f"the date {quote(cell)} is not in the provider's format; import the file as downloaded"
        )
    try:
        return parse_moment(cell, timezone, day_first=False)
    except DateUnreadable as error:
        raise RowRejected(f"the date {quote(cell)} {error}") from None


def context_tier(context_window: str) -> Tier:
    """The price tier in a cell of the context_window column."""
    if context_window.lower() in CLAUDE_DEFAULTS["context_window"]:
        return "short"
    return "long" if _LONG_CONTEXT.match(context_window) else "unknown"


def billing_account(provider: str, options: Options, account_id: str = "") -> str:
    """Provider plus account, which connects a bill with the usage it covers."""
    return name_account(provider, options.account, account_id)
