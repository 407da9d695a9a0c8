"""Uploaded files: unreadable, unmapped or recognized."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from app.figures.source_names import short_title, shown_name
from app.views.imports.choices import Answers, Choices
from app.views.imports.column_mappings import header_key
from app.views.imports.jobs import FileToSave
from app.views.imports.previews import Preview, build_preview
from tally.importers import (
    AmbiguousDates,
    AmbiguousNumbers,
    Importer,
    ImportRefused,
    MissingColumns,
    Options,
    Parsed,
    Question,
    Table,
    generic,
    identify_all,
    parse_tables,
    read_tables,
)
from tally.importers.preview import describe_parsed
from tally.importers.save import FileKey, identify_file

SAMPLE_ROWS = 5
UNEXPECTED = "Tally couldn't read this file. Nothing was saved; the server's log has the reason."


class UploadedFile(Protocol):
    """A file of Streamlit's uploader."""

    @property
    def file_id(self) -> str:
        """Unique for every upload."""

    @property
    def name(self) -> str:
        """As sent by the browser, so possibly hostile."""

    def getvalue(self) -> bytes:
        """The whole file."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that cannot be imported."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A table whose columns no importer knows."""

    header: Sequence[str]
    sample: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Recognized:
    """A file of a known format: its records and preview, or questions to answer first."""

    header: Sequence[str]
    sample: Sequence[Sequence[str]]
    format_name: str
    title: str
    questions: tuple[Question, ...]
    parsed: Parsed | None
    preview: Preview | None
    notes: Sequence[str] = ()  # about what is left out, and what is uncertain
    key: FileKey | None = None

    def to_save(self, file: UploadedFile) -> FileToSave:
        """The file as an import job saves it."""
        assert self.parsed is not None  # noqa: S101 - the page offers only files without an open question
        return FileToSave(shown_name(file.name), self.format_name, self.parsed, file.getvalue())


Upload = Unreadable | Unmapped | Recognized


@dataclass(slots=True)
class UploadCache:
    """Uploads of a session, read again only when relevant choices change."""

    _entries: dict[str, tuple[str, tuple[object, ...], Upload]] = field(default_factory=dict)

    def read(self, file: UploadedFile, choices: Choices) -> Upload:
        """Read a file, unless it was read with the same choices before."""
        key, basis, upload = self._entries.get(file.file_id, ("", (), None))
        if upload is None or basis != choices.basis(key):
            content = file.getvalue()
            key, upload = read_upload(content, shown_name(file.name), choices)
            if isinstance(upload, Recognized) and upload.parsed is not None:
                upload = replace(upload, key=identify_file(upload.parsed, content))
            self._entries[file.file_id] = (key, choices.basis(key), upload)
        return upload

    def drop_others(self, files: Sequence[UploadedFile]) -> None:
        """Free the memory of removed files, whose records are large."""
        present = {file.file_id for file in files}
        self._entries = {file_id: entry for file_id, entry in self._entries.items() if file_id in present}


def describe_upload(upload: Upload) -> str:
    """The format of an upload, or why it has none."""
    if isinstance(upload, Recognized):
        return short_title(upload.title)
    return "cannot be imported" if isinstance(upload, Unreadable) else "format not recognized"


def read_upload(content: bytes, filename: str, choices: Choices) -> tuple[str, Upload]:
    """The key of the file's header, and the upload; an archive has the key of its first file."""
    try:
        tables = read_tables(content, filename)
    except ImportRefused as refusal:
        return "", Unreadable(str(refusal))
    key = header_key(tables[0].header)
    try:
        return key, _read_records(tables, choices, key)
    except MissingColumns:
        return key, _unmapped(tables[0])
    except ImportRefused as refusal:
        return key, Unreadable(str(refusal))
    except Exception:
        logging.getLogger(__name__).exception("A file could not be parsed")
        return key, Unreadable(UNEXPECTED)


def _read_records(tables: Sequence[Table], choices: Choices, key: str) -> Upload:
    importer = identify_all(tables)
    if importer is None and key not in choices.mappings:
        return _unmapped(tables[0])
    importer = importer or generic
    mapping = choices.mappings.get(key) if importer is generic else None
    answers = choices.answers.get(key, Answers())
    options = Options(choices.timezone, mapping=mapping, cost_basis=answers.cost_basis, rates=choices.rates)
    parsed, questions = _parse(importer, tables, options, answers)
    preview, notes = (build_preview(parsed, choices), describe_parsed(parsed)) if parsed else (None, [])
    header, sample = tables[0].header, _sample(tables[0])
    return Recognized(header, sample, importer.name, importer.title, questions, parsed, preview, notes)


def _unmapped(table: Table) -> Unmapped:
    return Unmapped(table.header, _sample(table))


def _parse(
    importer: Importer, tables: Sequence[Table], options: Options, answers: Answers
) -> tuple[Parsed | None, tuple[Question, ...]]:
    """Parse; use an answer only for an ambiguous file, as it may be from another file with this header."""
    questions: list[Question] = []
    while True:
        try:
            return parse_tables(importer, tables, options), tuple(questions)
        except AmbiguousDates as question:
            questions.append(question.with_traceback(None))  # it would keep the whole table in memory
            if answers.day_first is None or options.day_first is not None:
                return None, tuple(questions)
            options = replace(options, day_first=answers.day_first)
        except AmbiguousNumbers as question:
            questions.append(question.with_traceback(None))  # it would keep the whole table in memory
            if answers.decimal_comma is None or options.decimal_comma is not None:
                return None, tuple(questions)
            options = replace(options, decimal_comma=answers.decimal_comma)


def _sample(table: Table) -> list[tuple[str, ...]]:
    return [cells for _, cells in table.rows[:SAMPLE_ROWS]]
