"""The European Central Bank's file of exchange rates, which anybody may have put in its place."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from zipfile import BadZipFile, ZipFile

from tally.core.errors import TallyError

MOST_BYTES_UNPACKED = 30_000_000  # which are two million

_CODE = re.compile(r"[A-Z]{3}")

Published = tuple[date, str, Decimal]  # the day, the currency, its units for one euro


class RatesUnreadable(TallyError):
    """What should be the bank's history is something else."""


def parse_archive(content: bytes) -> list[Published]:
    """The rates in the bank's `eurofxref-hist.zip`; raises RatesUnreadable."""
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            [name] = [info for info in archive.infolist() if info.filename.endswith(".csv")]
            if name.file_size > MOST_BYTES_UNPACKED:
                raise RatesUnreadable("The file of exchange rates is far larger than it should be.")
            text = archive.read(name).decode("ascii")
    except (BadZipFile, ValueError, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise RatesUnreadable("The file of exchange rates is not the archive that it should be.") from error
    return list(_parse_history(text))


def _parse_history(text: str) -> Iterator[Published]:
    """`Date,USD,JPY,…` and a line for each day, with N/A where a currency has no rate."""
    rows = csv.reader(io.StringIO(text))
    header = [cell.strip() for cell in next(rows, [])]
    if header[:1] != ["Date"] or "USD" not in header:
        raise RatesUnreadable("The file of exchange rates has not the columns that it should have.")
    columns = [(place, code) for place, code in enumerate(header) if _CODE.fullmatch(code)]
    for cells in rows:
        try:
            day = date.fromisoformat(cells[0].strip()) if cells else None
        except ValueError:
            day = None
        for place, code in columns if day else ():
            rate = _parse_rate(cells[place] if place < len(cells) else "")
            if day and rate:
                yield day, code, rate


def _parse_rate(cell: str) -> Decimal | None:
    if cell == "N/A":
        return None  # as on most days of most currencies
    try:
        rate = Decimal(cell.strip())
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and 0 < rate < 10**9 else None
