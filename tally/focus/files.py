"""Files of FOCUS rows, CSV or Parquet, written batch by batch. Amounts are exact in both."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import IO, Any, Literal

from tally.focus.rows import FocusRow
from tally.focus.versions import Version
from tally.storage.export import escape_formula

FileFormat = Literal["csv", "parquet"]
FORMATS: tuple[FileFormat, ...] = ("csv", "parquet")
BATCH = 10_000
PRECISION, SCALE = 38, 18  # of amounts in Parquet; a price of one token has up to 18 decimals


@dataclass(slots=True)
class Written:
    """Totals of the rows in a file."""

    rows: int = 0
    billed_usd: Decimal = Decimal(0)
    worth_usd: Decimal = Decimal(0)
    tokens: Decimal = Decimal(0)
    unpriced_rows: int = 0

    def add(self, row: FocusRow) -> None:
        """Count a row."""
        self.rows += 1
        self.billed_usd += _amount(row["BilledCost"])
        self.worth_usd += _amount(row["x_ListWorth"])
        self.tokens += _amount(row["x_Tokens"])
        self.unpriced_rows += row["x_PriceStatus"] == "unpriced"


def write_rows(
    rows: Iterable[FocusRow], file: IO[bytes], file_format: FileFormat, version: Version
) -> Written:
    """Write all rows into an open file; a batch of them is in memory at a time."""
    write = _write_parquet if file_format == "parquet" else _write_csv
    written = Written()
    write(_count(rows, written), file, version)
    return written


def _count(rows: Iterable[FocusRow], written: Written) -> Iterator[FocusRow]:
    for row in rows:
        written.add(row)
        yield row


def _write_csv(rows: Iterable[FocusRow], file: IO[bytes], version: Version) -> None:
    text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(version.columns)
        for row in rows:
            cells = dict.fromkeys(version.columns, "")
            for name, value in row.items():
                if value is not None:
                    cells[name] = write_cell(value)
            writer.writerow(cells.values())
    finally:
        text.detach()


def write_cell(value: Decimal | datetime | str | None) -> str:
    """A cell of CSV: decimals have a point, as readers take a column of whole numbers for another type."""
    if isinstance(value, str):
        return str(escape_formula(value))
    if isinstance(value, Decimal):
        return _write_decimal(value)
    return "" if value is None else _write_time(value)


def _write_decimal(value: Decimal) -> str:
    if not value:
        return "0.0"
    whole, _, part = f"{value:f}".partition(".")
    return f"{whole}.{part.rstrip('0') or '0'}"


@lru_cache(1_000)
def _write_time(value: datetime) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}"


def _write_parquet(rows: Iterable[FocusRow], file: IO[bytes], version: Version) -> None:
    import pyarrow as pa  # takes a third of a second
    from pyarrow import parquet

    kinds: dict[str, Any] = {
        "decimal": pa.decimal128(PRECISION, SCALE),
        "time": pa.timestamp("us", "UTC"),
        "text": pa.string(),
    }
    schema = pa.schema([(name, kinds[kind]) for name, kind in version.kinds.items()])
    remaining = iter(rows)
    with parquet.ParquetWriter(file, schema) as writer:
        while batch := list(islice(remaining, BATCH)):
            columns = {name: [row.get(name) for row in batch] for name in version.columns}
            writer.write_table(pa.Table.from_pydict(columns, schema))


def _amount(value: object) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(0)
