"""Tables of an upload: one in a CSV or JSON file, several in a ZIP archive."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from tally.importers.protocol import Importer, Options, Parsed
from tally.importers.readers.decoding import ImportRefused, decode, refuse_excel, refuse_other_formats
from tally.importers.readers.json_rows import LINES, read_json
from tally.importers.readers.table import Table, quote, read_csv

MAX_BYTES = 50_000_000
MAX_MEMBERS = 100
MAX_UNPACKED_BYTES = 100_000_000
MAX_RATIO = 200
MIN_SUSPICIOUS_BYTES = 1_000_000  # smaller files may have any compression ratio
JSON_NAMES = (".json", *LINES)

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_EXCEL = "[Content_Types].xml"
_WORKSPACE = {"manifest.json", "imports.csv", "cost_records.csv"}  # of `tally export --everything`
# Files that operating systems add to archives.
_LEFTOVER = re.compile(r"(?:^|/)(?:__MACOSX/|\.DS_Store$|Thumbs\.db$|\._)")


def read_tables(data: bytes, filename: str) -> list[Table]:
    """Every table of an upload; raises ImportRefused, also for an archive with one unreadable file."""
    _check_size(data, filename)
    if not data.startswith(_ZIP):
        return [read_table(data, filename)]
    return [
        replace(read_table(content, f"{filename}: {part}"), part=part)
        for part, content in _unpack(data, filename)
    ]


def read_table(data: bytes, filename: str) -> Table:
    """The table of a single file; raises ImportRefused."""
    _check_size(data, filename)
    if not data.strip(b"\x00 \t\r\n" + b"\xef\xbb\xbf"):
        raise ImportRefused(f"{filename} is empty. Export it again and check that it has rows.")
    refuse_other_formats(data, filename)
    text = decode(data, filename)
    is_json = re.match(r"\s*[{\[]", text) or filename.lower().endswith(JSON_NAMES)
    return read_json(text, filename) if is_json else read_csv(text, filename)


def _check_size(data: bytes, filename: str) -> None:
    if len(data) > MAX_BYTES:
        raise ImportRefused(
            f"{filename} has more than {MAX_BYTES // 1_000_000} MB, the limit of one file. "
            "Export a shorter period, or split it into several files with the same header."
        )


def _unpack(data: bytes, filename: str) -> Iterator[tuple[str, bytes]]:
    """Name and content of every file in an archive; nothing is written to disk, so no path can do harm."""
    left = MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in _members(archive, filename):
                content = _read_member(archive, member, left, filename)
                left -= len(content)
                yield _shown(member), content
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise ImportRefused(
            f"{filename} is a damaged ZIP archive, or one that Tally cannot unpack. "
            "Download it again, or unpack it and drop its files here."
        ) from error


def _members(archive: zipfile.ZipFile, filename: str) -> list[zipfile.ZipInfo]:
    if _EXCEL in archive.namelist():
        refuse_excel(filename)
    if set(archive.namelist()) >= _WORKSPACE:
        raise ImportRefused(
            f"{filename} holds a whole workspace. Bring it in with `tally import --everything {filename}`."
        )
    members = [
        member
        for member in archive.infolist()
        if not member.filename.endswith("/") and not _LEFTOVER.search(member.filename)
    ]
    if not members:
        raise ImportRefused(f"{filename} is an empty ZIP archive. Export it again.")
    if len(members) > MAX_MEMBERS:
        raise ImportRefused(
            f"{filename} contains {len(members):,} files; the limit is {MAX_MEMBERS}. "
            "Unpack it and drop only the usage exports here."
        )
    return members


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, left: int, filename: str) -> bytes:
    if member.flag_bits & 1:
        raise ImportRefused(f"{filename} is encrypted. Unpack it with its password and drop the files here.")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("unsupported compression")
    with archive.open(member) as file:
        content = file.read(left + 1)  # the sizes stated in an archive may be wrong
    if len(content) > left:
        raise ImportRefused(
            f"{filename} unpacks to more than {MAX_UNPACKED_BYTES // 1_000_000} MB. "
            "Export a shorter period, or unpack it and drop the files here."
        )
    if len(content) > max(MIN_SUSPICIOUS_BYTES, MAX_RATIO * member.compress_size):
        raise ImportRefused(
            f"{filename}: {_shown(member)} grows more than {MAX_RATIO}-fold when it is unpacked, "
            "which no usage export does. Unpack it and drop that file here."
        )
    return content


def _shown(member: zipfile.ZipInfo) -> str:
    return quote(member.filename)[1:-1]


def parse_tables(importer: Importer, tables: Sequence[Table], options: Options) -> Parsed:
    """The tables of an upload as one result; for an event in several of them, the last one counts."""
    if len(tables) == 1:
        return importer.parse(tables[0], options)
    combined = Parsed()
    places: dict[UUID, int] = {}
    for table in tables:
        parsed = importer.parse(table, options)
        for record, lines in zip(parsed.records, parsed.lines, strict=True):
            place = places.setdefault(record.source_key, len(combined.records))
            if place < len(combined.records):
                combined.records[place] = record
                combined.lines[place] += lines
            else:
                combined.records.append(record)
                combined.lines.append(lines)
        combined.rejected += [replace(row, reason=f"{table.part}: {row.reason}") for row in parsed.rejected]
        combined.rows_blank += parsed.rows_blank
        combined.skipped += parsed.skipped
        combined.exported |= parsed.exported
        combined.unused = tuple(dict.fromkeys(combined.unused + parsed.unused))
        combined.grouping = tuple(dict.fromkeys(combined.grouping + parsed.grouping))
    return combined
