"""Uploaded files as a person may import them: refused, asking, without known columns, or ready."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from app.figures.currencies import Currency
from app.parts.source_names import short_title, shown_name
from app.views.imports.column_mappings import header_key
from app.views.imports.jobs import FileToSave
from app.views.imports.previews import Preview, build_preview
from tally.currency.rates import Rates
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

SAMPLE_ROWS = 5
UNEXPECTED = "Tally failed to read this file, and nothing of it was saved. The server's log says why."


class UploadedFile(Protocol):
    """What Streamlit hands over."""

    @property
    def file_id(self) -> str:
        """New for every upload."""

    @property
    def name(self) -> str:
        """As the browser says; hostile until proven otherwise."""

    def getvalue(self) -> bytes:
        """The whole file."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person said about files that can be read in two ways."""

    day_first: bool | None = None
    decimal_comma: bool | None = None


@dataclass(slots=True)
class Choices:
    """All that decides how files are read; the keys are those of their headers."""

    timezone: str = "UTC"
    currency: Currency = field(default_factory=Currency)  # to show amounts in
    rates: Rates | None = None  # to read them with; None: those installed with Tally
    answers: dict[str, Answers] = field(default_factory=dict)
    mappings: dict[str, dict[str, str]] = field(default_factory=dict)

    def basis(self, key: str) -> tuple[object, ...]:
        """What matters for files with this header."""
        return (
            self.timezone,
            self.currency.key,
            self.answers.get(key, Answers()),
            tuple(self.mappings.get(key, {}).items()),
        )


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that cannot be imported."""

    sentence: str


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A file whose columns nobody recognises yet."""

    header: Sequence[str]
    sample: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Readable:
    """A file that was recognised: its records and its preview, or first a question about it."""

    header: Sequence[str]
    sample: Sequence[Sequence[str]]
    format_name: str
    title: str
    questions: tuple[Question, ...]
    parsed: Parsed | None
    preview: Preview | None

    def to_save(self, file: UploadedFile) -> FileToSave:
        """The file as a job saves it."""
        assert self.parsed is not None  # noqa: S101 - the page offers only files without an open question
        return FileToSave(shown_name(file.name), self.format_name, self.parsed, file.getvalue())


Reading = Refused | Unmapped | Readable


@dataclass(slots=True)
class Uploads:
    """The files of a visit, each read once for the same choices."""

    _kept: dict[str, tuple[str, tuple[object, ...], Reading]] = field(default_factory=dict)

    def read(self, file: UploadedFile, choices: Choices) -> Reading:
        """Read a file, or remember how it was read."""
        key, basis, reading = self._kept.get(file.file_id, ("", (), None))
        if reading is None or basis != choices.basis(key):
            key, reading = read_upload(file.getvalue(), shown_name(file.name), choices)
            self._kept[file.file_id] = (key, choices.basis(key), reading)
        return reading

    def is_read(self, file: UploadedFile) -> bool:
        """Whether reading it will be quick."""
        return file.file_id in self._kept

    def forget_others(self, files: Sequence[UploadedFile]) -> None:
        """Let go of files that were taken away: their records are large."""
        present = {file.file_id for file in files}
        self._kept = {file_id: kept for file_id, kept in self._kept.items() if file_id in present}


def describe_format(reading: Reading) -> str:
    """What a file was recognised as."""
    if isinstance(reading, Readable):
        return short_title(reading.title)
    return "cannot be imported" if isinstance(reading, Refused) else "format not recognised"


def read_upload(content: bytes, filename: str, choices: Choices) -> tuple[str, Reading]:
    """The key of the file's header, and what the file is; an archive goes by its first file."""
    try:
        tables = read_tables(content, filename)
    except ImportRefused as refusal:
        return "", Refused(str(refusal))
    key = header_key(tables[0].header)
    try:
        return key, _read_records(tables, choices, key)
    except MissingColumns:
        return key, _unmapped(tables[0])
    except ImportRefused as refusal:
        return key, Refused(str(refusal))
    except Exception:
        logging.getLogger(__name__).exception("A file could not be parsed")
        return key, Refused(UNEXPECTED)


def _read_records(tables: Sequence[Table], choices: Choices, key: str) -> Reading:
    importer = identify_all(tables)
    if importer is None and key not in choices.mappings:
        return _unmapped(tables[0])
    importer = importer or generic
    mapping = choices.mappings.get(key) if importer is generic else None
    options = Options(choices.timezone, mapping=mapping, rates=choices.rates)
    parsed, questions = _parse(importer, tables, options, choices, key)
    preview = build_preview(parsed, choices.timezone, choices.currency) if parsed else None
    header, sample = tables[0].header, _sample(tables[0])
    return Readable(header, sample, importer.name, importer.title, questions, parsed, preview)


def _unmapped(table: Table) -> Unmapped:
    return Unmapped(table.header, _sample(table))


def _parse(
    importer: Importer, tables: Sequence[Table], options: Options, choices: Choices, key: str
) -> tuple[Parsed | None, tuple[Question, ...]]:
    """Ask only what the file leaves open: an answer for its siblings does not overrule its own proof."""
    answers = choices.answers.get(key, Answers())
    questions: list[Question] = []
    while True:
        try:
            return parse_tables(importer, tables, options), tuple(questions)
        except AmbiguousDates as question:
            questions.append(question.with_traceback(None))  # its frames would keep the whole table
            if answers.day_first is None or options.day_first is not None:
                return None, tuple(questions)
            options = replace(options, day_first=answers.day_first)
        except AmbiguousNumbers as question:
            questions.append(question.with_traceback(None))  # its frames would keep the whole table
            if answers.decimal_comma is None or options.decimal_comma is not None:
                return None, tuple(questions)
            options = replace(options, decimal_comma=answers.decimal_comma)


def _sample(table: Table) -> list[tuple[str, ...]]:
    return [cells for _, cells in table.rows[:SAMPLE_ROWS]]
