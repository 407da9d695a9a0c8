"""Text of a CSV file to rows of cells: separator, line numbers, limits and malformed rows."""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from tally.importers.readers.decoding import ImportRefused

if TYPE_CHECKING:
    from _csv import Reader

MAX_ROWS = 500_000
MAX_COLUMNS = 400
MAX_LINE = 1_000_000
MAX_QUOTED = 60
MAX_LISTED = 12
MAX_BROKEN_ROWS = 1_000
MAX_PREAMBLE, MIN_HEADER_BELOW = 20, 8  # lines above a header, and its columns
HEADER_SEPARATORS = ",;\t|"

_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be imported, its line number (the header is line 1) and the reason."""

    line: int
    reason: str
    row_text: str


@dataclass(slots=True)
class Table:
    """A decoded file; `rows` have as many cells as the header, all others are in `malformed`."""

    filename: str
    header: list[str]
    rows: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    malformed: list[Rejected] = field(default_factory=list)
    rows_blank: int = 0
    skipped: Counter[str] = field(default_factory=Counter)  # lines of unknown shapes, by what they are
    part: str = ""  # its name inside an archive
    list_name: str = ""  # the key of the JSON array with its rows
    from_json: bool = False  # its numbers have a decimal point
    preamble: dict[str, str] = field(default_factory=dict)  # names and values in lines above the header
    share: tuple[int, int] = (0, 1)  # of the rows that this process reads: its number, and how many there are

    @property
    def is_first_share(self) -> bool:
        """Check whether this process counts what is not in rows."""
        return self.share[0] == 0

    @property
    def own_rows(self) -> list[tuple[int, tuple[str, ...]]]:
        """The rows that this process reads."""
        share, shares = self.share
        first, end = (len(self.rows) * number // shares for number in (share, share + 1))
        return self.rows[first:end]

    def column(self, name: str) -> int | None:
        """The index of a column, by its name in any case."""
        for index, cell in enumerate(self.header):
            if cell.casefold() == name:
                return index
        return None

    def reader(self, name: str) -> Callable[[Sequence[str]], str]:
        """A function from a row's cells to this column's text, empty where there is no such column."""
        index = self.column(name)
        return (lambda _cells: "") if index is None else (lambda cells: cells[index].strip())

    def picker(self, names: Sequence[str]) -> Callable[[Sequence[str]], tuple[str, ...]]:
        """A function from a row's cells to those of these columns as written, without absent columns."""
        indexes = [index for name in names if (index := self.column(name)) is not None]
        return itemgetter(*indexes) if len(indexes) > 1 else lambda cells: tuple(cells[i] for i in indexes)


def read_csv(text: str, filename: str) -> Table:
    """Parse the text of a CSV file; raises ImportRefused."""
    _check_lines(text, filename)
    text = _unwrap(text)
    lines = io.StringIO(text, newline="")
    announced = re.match(r"\"?sep=([,;\t|])\"?[ \t]*(?:\r\n|\r|\n)", text, re.IGNORECASE)
    if announced:
        lines.seek(announced.end())
    separator = announced[1] if announced else find_separator(_first_line(text))
    lines_above, preamble = (1, {}) if announced else _read_preamble(text, separator)
    for _ in range(0 if announced else lines_above):
        lines.readline()
    rows = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    table = Table(filename, _read_header(rows, filename), preamble=preamble)
    check_header(table)
    _read_rows(table, rows, text, lines_above)
    if not table.rows and not table.malformed:
        raise refuse_without_rows(f"{filename} has a header and no rows below it")
    return table


def refuse_without_rows(finding: str) -> ImportRefused:
    """The refusal of a valid file without rows."""
    return ImportRefused(f"{finding}. Choose a period with usage and export it again.")


def _check_lines(text: str, filename: str) -> None:
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if len(line) > MAX_LINE:
            raise ImportRefused(
                f"{filename} has more than {MAX_LINE:,} characters in line {number}. "
                "It is probably not a CSV file, or its line breaks were lost. Export it again."
            )


def _unwrap(text: str) -> str:
    """Remove the quotation marks that some exports put around each whole row."""
    first = _first_line(text).strip()
    if not re.fullmatch(r'"[^",;\t|]+[,;\t|](?:[^"]|"")+"', first):
        return text
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        return text
    return "".join(f"{cells[0] if len(cells) == 1 else row_text(cells)}\n" for cells in rows)


def _first_line(text: str) -> str:
    return next((line for line in text[:MAX_LINE].splitlines() if line.strip()), "")


def find_separator(header: str) -> str:
    """The separator of a header line: the most frequent outside quotes."""
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max(HEADER_SEPARATORS, key=unquoted.count)


def _read_preamble(text: str, separator: str) -> tuple[int, dict[str, str]]:
    """The lines above a wide header, such as those about an invoice: their number, their names and values."""
    found: dict[str, str] = {}
    for number, line in enumerate(itertools.islice(io.StringIO(text, newline=""), MAX_PREAMBLE)):
        try:
            cells = next(csv.reader([line], delimiter=separator, strict=True), [])
        except csv.Error:
            break
        while cells and not cells[-1].strip():
            cells.pop()
        if len(cells) >= MIN_HEADER_BELOW:
            return number, found
        if len(cells) > 2:
            break
        if cells:
            found[cells[0].strip().casefold()] = cells[1].strip() if len(cells) == 2 else ""
    return 0, {}


def _read_header(rows: "Reader", filename: str) -> list[str]:
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                return [cell.strip() for cell in cells]
    except csv.Error:
        raise ImportRefused(
            f"The header of {filename} has an unclosed quotation mark. Export it again."
        ) from None
    raise ImportRefused(f"{filename} is empty. Export it again and check that it has rows.")


def check_header(table: Table, max_columns: int = MAX_COLUMNS) -> None:
    """Drop trailing columns without names; raise ImportRefused for too many or duplicate columns."""
    while table.header and not table.header[-1]:
        table.header.pop()
    if len(table.header) > max_columns:
        raise ImportRefused(
            f"{table.filename} has {len(table.header):,} columns; the limit is {max_columns:,}. "
            "Remove the columns that have nothing to do with usage or cost and try again."
        )
    times = Counter(name.casefold() for name in table.header if name)
    twice = sorted({name for name in table.header if times[name.casefold()] > 1})
    if twice:
        raise ImportRefused(
            f"{table.filename} has more than one column named {', '.join(map(quote, twice))}. "
            "Rename or remove one of them and try again."
        )


def _read_rows(table: Table, rows: "Reader", text: str, lines_before: int) -> None:
    width = len(table.header)
    while True:
        line = rows.line_num + lines_before + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            _reject_unreadable(table, text, (line, rows.line_num + lines_before), str(error))
            continue
        if len(cells) == width and cells[0]:
            table.rows.append((line, tuple(cells)))
        else:
            _add_unusual_row(table, line, cells)
        check_row_count(len(table.rows) + len(table.malformed), table.filename)


def _add_unusual_row(table: Table, line: int, cells: Sequence[str]) -> None:
    """Add a row that may be blank, too short or too long; empty cells beyond the header are dropped."""
    width = len(table.header)
    if not any(cell.strip() for cell in cells):
        table.rows_blank += 1
    elif len(cells) >= width and not any(cells[width:]):
        table.rows.append((line, tuple(cells[:width])))
    else:
        reason = f"This row has {len(cells)} cells and the header has {width}."
        table.malformed.append(Rejected(line, reason, row_text(cells)))


def check_row_count(rows: int, filename: str) -> None:
    """Raise ImportRefused for more rows than one file may have."""
    if rows > MAX_ROWS:
        raise ImportRefused(
            f"{filename} has more than {MAX_ROWS:,} rows, the limit of one file. "
            "Export a shorter period, or split it into several files with the same header."
        )


def _reject_unreadable(table: Table, text: str, lines: tuple[int, int], error: str) -> None:
    line, last_line = lines
    if "unexpected end" in error:
        raise ImportRefused(
            f"{table.filename} has an unclosed quotation mark in line {line}, "
            "so everything after it runs together. Correct that line, or export the file again."
        )
    if "field larger" in error:
        raise ImportRefused(
            f"{table.filename} has a cell of more than {csv.field_size_limit():,} characters in line {line}; "
            "a quotation mark is probably not closed. Correct that line, or export the file again."
        )
    where = f"line {line}" if line == last_line else f"lines {line} to {last_line}"
    raw = "".join(itertools.islice(io.StringIO(text, newline=""), line - 1, last_line)).rstrip("\r\n")
    reason = f"The quotation marks in {where} do not match up."
    table.malformed.append(Rejected(line, reason, raw))
    if len(table.malformed) > MAX_BROKEN_ROWS:
        raise ImportRefused(
            f"{table.filename} has more than {MAX_BROKEN_ROWS} rows with unmatched quotation marks. "
            "Export it again."
        )


def row_text(cells: Sequence[str]) -> str:
    """A row as CSV text."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow(cells)
    return buffer.getvalue()


def has_control_characters(text: str) -> bool:
    """Check whether a name contains control characters or line breaks."""
    return _CONTROL_CHARACTER.search(text) is not None


def quote(cell: str) -> str:
    """A cell to quote in a message: short, on one line, without control characters."""
    shown = cell if len(cell) <= MAX_QUOTED else cell[: MAX_QUOTED - 1] + "…"
    printable = (character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)
    return '"' + "".join(printable) + '"'


def list_quoted(texts: Sequence[str]) -> str:
    """Cells to list in a message: at most twelve, and the number of the others."""
    shown = ", ".join(quote(text) for text in texts[:MAX_LISTED])
    return shown if len(texts) <= MAX_LISTED else f"{shown} and {len(texts) - MAX_LISTED} more"
