"""From the bytes of an upload to text: its encoding, and what is no CSV at all."""

import codecs
import re
from typing import NoReturn

from tally.core.errors import TallyError

SAMPLE = 65_536

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
MARKUP = re.compile(r"\s*<(?:!doctype|html|\?xml|svg)", re.IGNORECASE)
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\x1a"))


class ImportRefused(TallyError):
    """A file that cannot be imported at all; the text says why and what to do."""


def refuse_other_formats(data: bytes, filename: str) -> None:
    """Raise ImportRefused for what is known by its first bytes to be something else."""
    if data.startswith(b"PK\x03\x04") and (
        b"xl/" in data[:SAMPLE] or filename.lower().endswith((".xlsx", ".xlsm"))
    ):
        refuse_excel(filename)
    for magic, kind, advice in NOT_A_CSV:
        if data.startswith(magic):
            raise ImportRefused(f"{filename} is {kind}, not a CSV file. {advice}")


def refuse_excel(filename: str) -> NoReturn:
    """Raise ImportRefused for a workbook."""
    raise ImportRefused(
        f"{filename} is an Excel workbook, not a CSV file. "
        "Open it and choose File > Save as > CSV UTF-8, then drop that file here."
    )


def decode(data: bytes, filename: str) -> str:
    """Text from UTF-8, UTF-16 (with or without a mark) or, when nothing else fits, Windows-1252."""
    encoding = _find_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8" or _looks_binary(data):
            raise _binary(filename) from None
        text = data.decode("cp1252", errors="replace")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ImportRefused(
            f"{filename} contains a NUL character in line {line}, so it is damaged or no text file. "
            "Export it again."
        )
    if MARKUP.match(text):
        raise ImportRefused(f"{filename} is a web page or XML, not a CSV file. {HOW_TO_EXPORT}")
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
