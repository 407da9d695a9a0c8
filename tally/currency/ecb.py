"""The European Central Bank's file of exchange rates, parsed as untrusted input."""

import csv
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from zipfile import BadZipFile, ZipFile

from tally.core.errors import TallyError

MAX_UNPACKED_BYTES = 30_000_000  # the real file has two million

_CODE = re.compile(r"[A-Z]{3}")

Published = tuple[date, str, Decimal]  # day, currency, units per euro


class RatesUnreadable(TallyError):
    """The downloaded file is not the bank's history of rates."""


def parse_archive(content: bytes) -> list[Published]:
    """The rates in the bank's `eurofxref-hist.zip`; raises RatesUnreadable."""
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            [name] = [info for info in archive.infolist() if info.filename.endswith(".csv")]
            if name.file_size > MAX_UNPACKED_BYTES:
                raise RatesUnreadable("The file of exchange rates is far larger than it should be.")
            text = archive.read(name).decode("ascii")
    except (
        BadZipFile,
        zlib.error,
        ValueError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
    ) as error:
        raise RatesUnreadable("The file of exchange rates is not a valid archive.") from error
    return list(_parse_history(text))


def _parse_history(text: str) -> Iterator[Published]:
    """Rates from the header `Date,USD,JPY,…` and a line per day, with N/A where a currency has no rate."""
    rows = csv.reader(io.StringIO(text))
    header = [cell.strip() for cell in next(rows, [])]
    if header[:1] != ["Date"] or "USD" not in header:
        raise RatesUnreadable("The file of exchange rates has unexpected columns.")
    columns = [(place, code) for place, code in enumerate(header) if _CODE.fullmatch(code)]
    for cells in rows:
        if day := _parse_day(cells):
            yield from _parse_rates(day, cells, columns)


def _parse_rates(day: date, cells: Sequence[str], columns: Sequence[tuple[int, str]]) -> Iterator[Published]:
    for place, code in columns:
        rate = _parse_rate(cells[place]) if place < len(cells) else None
        if rate:
            yield day, code, rate


def _parse_day(cells: Sequence[str]) -> date | None:
    try:
        return date.fromisoformat(cells[0].strip()) if cells else None
    except ValueError:
        return None


def _parse_rate(cell: str) -> Decimal | None:
    if cell == "N/A":
        return None  # most cells of most currencies; parsing them would cost time
    try:
        rate = Decimal(cell.strip())
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and 0 < rate < 10**9 else None
