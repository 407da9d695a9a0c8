"""The file of an export of everything: a ZIP of one CSV file per table and a manifest.

A file comes from anywhere, so everything in it is checked before an import writes anything. It is read in
pieces and never unpacked: neither memory nor disk grows with what it claims to hold.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tally.backups.archive import CHUNK, MANIFEST, MAX_SMALL_BYTES, UNREADABLE, ArchiveWriter
from tally.backups.manifest import Part
from tally.core.errors import TallyError
from tally.core.progress import Progress, ignore_progress
from tally.moving import cells
from tally.moving.checks import Mistake, check_row
from tally.moving.prompt_tables import MAX_PROMPT, VERSIONS
from tally.moving.tables import REFERENCES, TABLES, Row, Table

FORMAT = 1
MAX_BYTES = 8_000_000_000  # of all tables
PACKED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
WITH_IDS = {table.name for table in REFERENCES.values()}


class ExportRefused(TallyError):
    """The file is no export of everything, or it was changed; nothing was written."""


class Sum(BaseModel):
    """Records and what they add up to."""

    model_config = ConfigDict(frozen=True)

    records: int
    cost_usd: str
    tokens: int


class ExportManifest(BaseModel):
    """Description of an export, stored in it as JSON."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    tally: str  # version
    schema_version: str  # the newest migration
    created_at: str
    account: str  # e-mail address
    workspace: str
    workspace_id: str
    is_personal: bool
    first_day: str | None
    last_day: str | None
    rows: dict[str, int]  # by table
    totals: dict[str, Sum]  # by cost basis, of what counts
    left_out: list[str]
    parts: dict[str, Part] = Field(max_length=100)


class TableWriter:
    """Writes the rows of tables into an archive, and counts them."""

    def __init__(self, archive: ArchiveWriter) -> None:
        self._archive = archive
        self.rows: dict[str, int] = {}

    @contextmanager
    def writing(self, table: Table) -> Iterator[Callable[[Iterable[Row]], None]]:
        """Add a table with the function that is given."""
        written = 0
        writers = [
            cells.write_text if cells.is_text(parse) else cells.write_cell for parse in table.columns.values()
        ]
        with self._archive.writing(table.file) as write_bytes:
            buffer = io.StringIO()
            writer = csv.writer(buffer, lineterminator="\r\n")
            writer.writerow(table.columns)

            def write(rows: Iterable[Row]) -> None:
                nonlocal written
                for row in rows:
                    writer.writerow(
                        [as_cell(row[name]) for name, as_cell in zip(table.columns, writers, strict=True)]
                    )
                    written += 1
                write_bytes(buffer.getvalue().encode())
                buffer.seek(0)
                buffer.truncate()

            write(())
            yield write
        self.rows[table.name] = written


class ExportFile:
    """An export that is read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
                text = self._read_manifest(archive)
            values = json.loads(text)
            if values.get("format") != FORMAT:
                raise ExportRefused(
                    f"{path} was made by a newer Tally. Update Tally, then try again. Nothing was imported."
                )
            self.manifest = ExportManifest.model_validate(values)
        except FileNotFoundError:
            raise ExportRefused(f"There is no file {path}. Check its name.") from None
        except (*UNREADABLE, ValidationError, AttributeError, RecursionError):
            raise ExportRefused(
                f"{path} is not an export made with --everything, or it is damaged. Nothing was imported."
            ) from None
        self._check_entries(entries)

    def check(self, on_progress: Progress = ignore_progress) -> None:
        """Read all of it; raises ExportRefused for the first thing that is wrong."""
        done, total = 0, sum(part.size for part in self.manifest.parts.values())
        ids: dict[str, set[str]] = {name: set() for name in WITH_IDS}
        for table in TABLES:
            self._check_sum(table)
            found = 0
            for row in self.rows(table):
                found += 1
                if table.name in WITH_IDS:
                    self._add_id(ids[table.name], row["id"], table)
                for column in REFERENCES.keys() & table.columns.keys():
                    if row[column] is not None and row[column] not in ids[REFERENCES[column].name]:
                        raise self._refuse(
                            table, f"its row {found:,} names a {column} that is not in the file"
                        )
            if found != self.manifest.rows.get(table.name):
                raise self._refuse(table, f"it has {found:,} rows, not as many as the manifest says")
            done += self.manifest.parts[table.file].size
            on_progress(done, total, "Checking")

    def rows(self, table: Table) -> Iterator[Row]:
        """The rows of a table, each with every column; raises ExportRefused at one that is not accepted."""
        limit = csv.field_size_limit()
        try:
            if table is VERSIONS:
                csv.field_size_limit(MAX_PROMPT + 1)  # with an apostrophe in front
            with zipfile.ZipFile(self.path) as archive, archive.open(table.file) as part:
                reader = csv.reader(io.TextIOWrapper(part, "utf-8", newline=""), strict=True)
                columns = next(reader, [])
                self._check_columns(table, columns)
                for line in reader:
                    if len(line) != len(columns):
                        where = f"line {reader.line_num:,}"
                        raise self._refuse(table, f"{where} has {len(line)} cells instead of {len(columns)}")
                    yield self._read_row(table, dict(zip(columns, line, strict=True)), reader.line_num)
        except csv.Error as error:
            raise self._refuse(table, f"it is no CSV ({error})") from None
        except (*UNREADABLE, UnicodeError):
            raise self._refuse(table, "it cannot be read") from None
        finally:
            csv.field_size_limit(limit)

    def _check_columns(self, table: Table, columns: list[str]) -> None:
        """An older Tally may lack columns that can be empty."""
        known = set(columns)
        if len(known) < len(columns) or not table.required <= known <= table.columns.keys():
            raise self._refuse(table, "its columns are not those of this Tally: update the older of the two")

    def _read_row(self, table: Table, line: dict[str, str], number: int) -> Row:
        row: Row = {name: "" if name in table.filled else None for name in table.columns}
        for name, cell in line.items():
            if cell == "":
                if name in table.required:
                    raise self._refuse(table, f"{name} in line {number:,} is empty")
                continue
            try:
                row[name] = table.columns[name](cell)
            except cells.Refused as expected:
                raise self._refuse(table, f"{name} in line {number:,} is not {expected}") from None
        try:
            check_row(table, row)
        except Mistake as mistake:
            raise self._refuse(table, f"in line {number:,}, {mistake}") from None
        return row

    def _add_id(self, known: set[str], found: str, table: Table) -> None:
        if found in known:
            raise self._refuse(table, f"it has the id {found} twice")
        known.add(found)

    def _check_entries(self, entries: list[zipfile.ZipInfo]) -> None:
        """Names and sizes are compared before anything is unpacked."""
        names = [entry.filename for entry in entries]
        expected = {table.file for table in TABLES}
        if len(set(names)) < len(names):
            raise ExportRefused(f"{self.path} has two files of one name. Nothing was imported.")
        if unknown := sorted(set(names) - expected - {MANIFEST}):
            raise ExportRefused(
                f"{self.path} holds “{unknown[0][:100]}”, which no export has. Nothing was imported."
            )
        for missing in sorted(expected - (set(names) & self.manifest.parts.keys())):
            raise ExportRefused(f"{self.path} lacks the table {missing}. Nothing was imported.")
        sizes = {name: part.size for name, part in self.manifest.parts.items()}
        if sum(sizes.values()) > MAX_BYTES:
            raise ExportRefused(
                f"{self.path} unpacks to more than {MAX_BYTES / 1e9:.0f} GB. Nothing was imported."
            )
        for entry in entries:
            if entry.filename != MANIFEST and (
                entry.file_size != sizes[entry.filename] or entry.compress_type not in PACKED
            ):
                raise self._damaged(entry.filename)

    def _check_sum(self, table: Table) -> None:
        part, digest = self.manifest.parts[table.file], hashlib.sha256()
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(table.file) as file:
                while chunk := file.read(CHUNK):
                    digest.update(chunk)
        except UNREADABLE:
            raise self._damaged(table.file) from None
        if digest.hexdigest() != part.sha256:
            raise self._damaged(table.file)

    def _read_manifest(self, archive: zipfile.ZipFile) -> bytes:
        if archive.getinfo(MANIFEST).file_size > MAX_SMALL_BYTES:
            raise ValueError
        return archive.read(MANIFEST)

    def _damaged(self, name: str) -> ExportRefused:
        return ExportRefused(
            f"{self.path} is damaged: its {name} was changed. Export again. Nothing was imported."
        )

    def _refuse(self, table: Table, why: str) -> ExportRefused:
        return ExportRefused(f"{self.path} cannot be imported: {table.file}: {why}. Nothing was imported.")


def describe_sum(rows: Iterable[dict[str, Any]]) -> dict[str, Sum]:
    """Rows of daily costs as sums by cost basis."""
    sums: dict[str, tuple[int, Decimal, int]] = {}
    for row in rows:
        records, cost, tokens = sums.get(row["cost_basis"], (0, Decimal(0), 0))
        cost += Decimal(row["cost_usd"] or 0)
        sums[row["cost_basis"]] = (records + row["records"], cost, tokens + row["tokens"])
    return {
        basis: Sum(records=records, cost_usd=format(cost, "f"), tokens=tokens)
        for basis, (records, cost, tokens) in sorted(sums.items())
    }
