"""From the bytes of an upload to rows of text: encoding, separator, line numbers, limits, what is no CSV."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _csv import Reader

MAX_BYTES = 50_000_000
MAX_ROWS = 500_000
MAX_COLUMNS = 200
MAX_LINE = 1_000_000
MAX_QUOTED = 60
SAMPLE = 65_536
HEADER_SEPARATORS = ",;\t|"

HOW_TO_EXPORT = "Open it in the program that it came from, export it as CSV, and drop that file here."
NOT_A_CSV = (
    (
        b"%PDF",
        "a PDF document",
        "Download the CSV of the same data instead; invoices can be typed in under Add entry.",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook",
        "Open it and choose File > Save as > CSV UTF-8, then drop that file here.",
    ),
    (b"PK\x03\x04", "a ZIP archive", "Unpack it and drop the CSV files in it here."),
    (b"\x1f\x8b", "a gzip archive", "Unpack it and drop the CSV file in it here."),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it and drop the CSV files in it here."),
    (b"Rar!", "a RAR archive", "Unpack it and drop the CSV files in it here."),
    (b"\x89PNG", "a picture", HOW_TO_EXPORT),
    (b"\xff\xd8\xff", "a picture", HOW_TO_EXPORT),
    (b"GIF8", "a picture", HOW_TO_EXPORT),
    (b"PAR1", "a Parquet file", HOW_TO_EXPORT),
    (b"SQLite format 3", "an SQLite database", HOW_TO_EXPORT),
    (b"{\\rtf", "a rich-text document", HOW_TO_EXPORT),
)
NOT_A_TABLE = (
    (re.compile(r"\s*[{\[]"), "JSON"),
    (re.compile(r"\s*<(?:!doctype|html|\?xml|svg)", re.IGNORECASE), "a web page or XML"),
)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a"))


class ImportRefused(Exception):
    """A file that cannot be imported at all; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was read and not imported: its line (the header is line 1), why, and the row itself."""

    line: int
    reason: str
    row_text: str


@dataclass(slots=True)
class Table:
    """A decoded file. `rows` have as many cells as the header; the others are in `malformed`."""

    filename: str
    header: list[str]
    rows: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    malformed: list[Rejected] = field(default_factory=list)
    rows_blank: int = 0

    def column(self, name: str) -> int | None:
        """Where a column stands, by its name in any case."""
        for index, cell in enumerate(self.header):
            if cell.casefold() == name:
                return index
        return None

    def reader(self, name: str) -> Callable[[Sequence[str]], str]:
        """A function from a row's cells to this column's text; empty where there is no such column."""
        index = self.column(name)
        return (lambda _cells: "") if index is None else (lambda cells: cells[index].strip())


def read_table(data: bytes, filename: str) -> Table:
    """Decode an upload and cut it into rows, or raise ImportRefused."""
    if len(data) > MAX_BYTES:
        raise ImportRefused(
            f"{filename} has {len(data) / 1e6:,.0f} MB; the limit is {MAX_BYTES // 1_000_000} MB a file. "
            "Export a shorter period, or split it into several files with the same header."
        )
    if not data.strip(b"\x00 \t\r\n" + codecs.BOM_UTF8):
        raise ImportRefused(f"{filename} is empty. Export it again and check that it holds rows.")
    refuse_other_formats(data, filename)
    return _read_rows(decode(data, filename), filename)


def refuse_other_formats(data: bytes, filename: str) -> None:
    """Raise ImportRefused for what is known by its first bytes to be something else."""
    if data.startswith(b"PK\x03\x04") and (
        b"xl/" in data[:SAMPLE] or filename.lower().endswith((".xlsx", ".xlsm"))
    ):
        raise ImportRefused(
            f"{filename} is an Excel workbook, not a CSV file. "
            "Open it and choose File > Save as > CSV UTF-8, then drop that file here."
        )
    for magic, kind, advice in NOT_A_CSV:
        if data.startswith(magic):
            raise ImportRefused(f"{filename} is {kind}, not a CSV file. {advice}")


def decode(data: bytes, filename: str) -> str:
    """Text from UTF-8, UTF-16 (with or without a mark) or, when nothing else fits, Windows-1252."""
    encoding = _find_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8" or _looks_binary(data):
            raise _binary(filename) from None
        text = data.decode("cp1252", errors="replace")
    else:
        if _looks_binary(text[:SAMPLE].encode()):
            raise _binary(filename)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ImportRefused(
            f"{filename} contains a NUL character in line {line}, so it is damaged or no text file. "
            "Export it again."
        )
    for pattern, kind in NOT_A_TABLE:
        if pattern.match(text):
            raise ImportRefused(f"{filename} is {kind}, not a CSV file. {HOW_TO_EXPORT}")
    return text


def _find_encoding(data: bytes) -> str:
    for mark, encoding in BOMS:
        if data.startswith(mark):
            return encoding
    head = data[:1000]
    # Latin letters in UTF-16 have a zero in every second byte.
    if head[1::2].count(0) > len(head) * 0.4:
        return "utf-16-le"
    if head[0::2].count(0) > len(head) * 0.4:
        return "utf-16-be"
    return "utf-8"


def _looks_binary(data: bytes) -> bool:
    head = data[:SAMPLE]
    return len(head) - len(head.translate(None, CONTROL)) > len(head) // 50


def _binary(filename: str) -> ImportRefused:
    return ImportRefused(f"{filename} is a binary file, not a CSV file. {HOW_TO_EXPORT}")


def _read_rows(text: str, filename: str) -> Table:
    _check_lines(text, filename)
    lines = io.StringIO(text, newline="")
    announced = re.match(r"\"?sep=([,;\t|])\"?[ \t]*(?:\r\n|\r|\n)", text, re.IGNORECASE)
    if announced:
        lines.seek(announced.end())
    separator = announced[1] if announced else find_separator(_first_line(text))
    rows = csv.reader(lines, delimiter=separator, strict=True, skipinitialspace=True)
    table = Table(filename, _read_header(rows, filename))
    _check_header(table)
    _fill(table, rows, separator, lines_before=1 if announced else 0)
    if not table.rows and not table.malformed:
        raise ImportRefused(
            f"{filename} has a header and no rows below it. Choose a period with usage and export it again."
        )
    return table


def _check_lines(text: str, filename: str) -> None:
    for number, line in enumerate(io.StringIO(text, newline=""), start=1):
        if len(line) > MAX_LINE:
            raise ImportRefused(
                f"{filename} has more than {MAX_LINE:,} characters in line {number}. "
                "It is probably no CSV file, or its line breaks were lost. Export it again."
            )


def _first_line(text: str) -> str:
    return next((line for line in text[:MAX_LINE].splitlines() if line.strip()), "")


def find_separator(header: str) -> str:
    """The separator of a header line: the most frequent outside quotes."""
    unquoted = re.sub(r'"[^"]*"', "", header)
    return max(HEADER_SEPARATORS, key=unquoted.count)


def _read_header(rows: "Reader", filename: str) -> list[str]:
    try:
        for cells in rows:
            if any(cell.strip() for cell in cells):
                return [cell.strip() for cell in cells]
    except csv.Error:
        raise ImportRefused(
            f"The header of {filename} has a quotation mark that is never closed. Export it again."
        ) from None
    raise ImportRefused(f"{filename} is empty. Export it again and check that it holds rows.")


def _check_header(table: Table) -> None:
    while not table.header[-1]:
        table.header.pop()
    if len(table.header) > MAX_COLUMNS:
        raise ImportRefused(
            f"{table.filename} has {len(table.header):,} columns; the limit is {MAX_COLUMNS}. "
            "Remove the columns that say nothing about usage or cost and try again."
        )
    times = Counter(name.casefold() for name in table.header if name)
    twice = sorted({name for name in table.header if times[name.casefold()] > 1})
    if twice:
        raise ImportRefused(
            f"{table.filename} has more than one column named {', '.join(map(quote, twice))}. "
            "Rename or remove one of them, so that it is clear which is meant."
        )


def _fill(table: Table, rows: "Reader", separator: str, lines_before: int) -> None:
    width = len(table.header)
    while True:
        line = rows.line_num + lines_before + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            _reject_unreadable(table, line, rows.line_num + lines_before, str(error))
            continue
        if len(cells) == width and cells[0]:
            table.rows.append((line, tuple(cells)))
        elif not any(cell.strip() for cell in cells):
            table.rows_blank += 1
        elif len(cells) >= width and not any(cells[width:]):
            table.rows.append((line, tuple(cells[:width])))
        else:
            reason = f"This row has {len(cells)} cells and the header has {width}."
            table.malformed.append(Rejected(line, reason, separator.join(cells)))
        if len(table.rows) + len(table.malformed) > MAX_ROWS:
            raise ImportRefused(
                f"{table.filename} has more than {MAX_ROWS:,} rows, the limit of one file. "
                "Export a shorter period, or split it into several files with the same header."
            )


def _reject_unreadable(table: Table, line: int, last_line: int, error: str) -> None:
    if "unexpected end" in error:
        raise ImportRefused(
            f"{table.filename} has a quotation mark in line {line} that is never closed, "
            "so everything after it runs together. Correct that line, or export the file again."
        )
    if "field larger" in error:
        raise ImportRefused(
            f"{table.filename} has a cell of more than {csv.field_size_limit():,} characters in line {line}; "
            "a quotation mark is probably not closed. Correct that line, or export the file again."
        )
    where = f"line {line}" if line == last_line else f"lines {line} to {last_line}"
    table.malformed.append(Rejected(line, f"The quotation marks in {where} do not match up.", ""))


def quote(cell: str) -> str:
    """A cell for a sentence: short, on one line, without control characters."""
    shown = cell if len(cell) <= MAX_QUOTED else cell[: MAX_QUOTED - 1] + "…"
    printable = (character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in shown)
    return '"' + "".join(printable) + '"'
