"""Bytes of an upload to text: its encoding, and refusals of files that are not text."""

import codecs
import re
from typing import NoReturn

from tally.core.errors import TallyError

SAMPLE = 65_536
# Spreadsheet encodings besides Windows-1252, which covers western Europe and takes precedence.
WESTERN = "cp1252"
OTHER_ENCODINGS = ("cp1251", "cp932", "gb18030", "euc_kr")
MIN_INTACT = 3  # characters of UTF-8 per damaged one
MIN_EVIDENCE = 12  # bytes beyond ASCII; with fewer, western names are mistaken for Cyrillic ones

HOW_TO_EXPORT = "Export it as CSV from the program that made it, and drop that file here."
NOT_A_CSV = (
    (
        b"%PDF",
        "a PDF document",
        "Download the CSV of the same data instead, or type the invoice in under Add entry.",
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

_LINE_BEYOND_ASCII = re.compile(rb"[^\n]*[\x80-\xff][^\n]*")


class ImportRefused(TallyError):
    """A file that cannot be imported at all; the text gives the reason and what to do next."""


def refuse_other_formats(data: bytes, filename: str) -> None:
    """Raise ImportRefused for a file whose first bytes are those of another format."""
    if data.startswith(b"PK\x03\x04") and (
        b"xl/" in data[:SAMPLE] or filename.lower().endswith((".xlsx", ".xlsm"))
    ):
        refuse_excel(filename)
    for magic, kind, advice in NOT_A_CSV:
        if data.startswith(magic):
            raise ImportRefused(f"{filename} is {kind}, not a CSV file. {advice}")


def refuse_excel(filename: str) -> NoReturn:
    """Raise ImportRefused for an Excel workbook."""
    raise ImportRefused(
        f"{filename} is an Excel workbook, not a CSV file. "
        "Open it and choose File > Save as > CSV UTF-8, then drop that file here."
    )


def decode(data: bytes, filename: str) -> str:
    """Text from UTF-8, UTF-16 (with or without a byte order mark) or a spreadsheet's own encoding."""
    encoding = _find_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if not encoding.startswith("utf-8") or _looks_binary(data):
            raise _binary(filename) from None
        text = _decode_damaged_utf8(data) or data.decode(_guess_legacy_encoding(data), errors="replace")
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ImportRefused(
            f"{filename} contains a NUL character in line {line}, so it is damaged or not a text file. "
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
    # In UTF-16, every second byte of a Latin letter is zero.
    if head[1::2].count(0) > len(head) * 0.4:
        return "utf-16-le"
    if head[0::2].count(0) > len(head) * 0.4:
        return "utf-16-be"
    return "utf-8"


def _decode_damaged_utf8(data: bytes) -> str | None:
    """UTF-8 that was cut off or has a few foreign bytes, shown as `�`; None where little of it is UTF-8.

    In other encodings at most every third character beyond ASCII happens to be valid.
    """
    text = data.decode("utf-8-sig", errors="replace")
    damaged = text.count("\N{REPLACEMENT CHARACTER}")
    intact = sum(character > "\x7f" for character in text) - damaged
    return text if intact >= MIN_INTACT * damaged else None


def _guess_legacy_encoding(data: bytes) -> str:
    """The encoding of text that is not Unicode: Windows-1252 unless that gives implausible text.

    On its own, charset-normalizer misreads two of three western exports, because they are nearly all ASCII.
    It gets only the lines that are not, and its guess is used only if Windows-1252 is implausible.
    """
    from charset_normalizer import from_bytes  # costs 0.1 s, and most files are UTF-8

    sample = b"\n".join(line[0] for line in _LINE_BEYOND_ASCII.finditer(data[:SAMPLE]))
    if sum(byte > 0x7F for byte in sample) < MIN_EVIDENCE:
        return WESTERN
    plausible = [
        match.encoding
        for match in from_bytes(
            sample,
            cp_isolation=[WESTERN, *OTHER_ENCODINGS],
            preemptive_behaviour=False,
            enable_fallback=False,
        )
    ]
    return WESTERN if WESTERN in plausible or not plausible else plausible[0]


def _looks_binary(data: bytes) -> bool:
    head = data[:SAMPLE]
    return len(head) - len(head.translate(None, CONTROL)) > len(head) // 50


def _binary(filename: str) -> ImportRefused:
    return ImportRefused(f"{filename} is a binary file, not a CSV file. {HOW_TO_EXPORT}")
