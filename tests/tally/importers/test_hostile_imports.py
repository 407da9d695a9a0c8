"""Every supported export after other encodings and programs, and with odd or hostile cells."""

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from uuid import UUID

import pytest

from tally.core.records import MAX_MODEL_NAME, CostRecord
from tally.importers import (
    Importer,
    ImportRefused,
    Options,
    Parsed,
    Question,
    Table,
    identify_all,
    read_table,
    read_tables,
)
from tally.importers.readers.table import MAX_COLUMNS
from tests.every_case import every_case
from tests.tally.importers.golden import FIXTURES, load_sample

HTML = '<script>alert("1")</script>'
OPTIONS = Options(day_first=True)  # as in the German sample; no other sample is ambiguous
# Reasons that concern a whole record, and so name a conflict instead of one cell.
CONFLICTS = (
    "The cost is beyond 100,000,000 dollars.",
    " is negative, which only a credit or an adjustment may be",
    "The European Central Bank publishes no rate of ",
    "There are more cached tokens than input tokens",
    "There are more cached input tokens than input tokens",
    " is empty, so it cannot be identified.",
)
NUMBERS = ("NaN", "-1", "1e3", "1E-7", "inf", "9" * 30, "1.5", "0x10", "€5", "")


@dataclass(frozen=True, slots=True)
class Sample:
    """One table of a golden pair."""

    name: str
    importer: Importer
    table: Table

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    @property
    def rows(self) -> list[list[str]]:
        """The cells of its rows."""
        return [list(cells) for _, cells in self.table.rows]

    def filled(self, column: int, text: str) -> list[list[str]]:
        """Its rows with this text in every cell of a column."""
        return [[*cells[:column], text, *cells[column + 1 :]] for cells in self.rows]


def load_samples() -> list[Sample]:
    samples = []
    for folder in sorted(FIXTURES.iterdir()):
        if folder.is_dir() and folder.name != "openai_usage_none":
            name, content = load_sample(folder.name)
            for number, table in enumerate(read_tables(content, name)):
                importer = identify_all([table])
                assert importer is not None
                samples.append(Sample(f"{folder.name}-{number}", importer, table))
    return samples


SAMPLES = load_samples()
each_sample = every_case([(sample,) for sample in SAMPLES])


def write(header: Sequence[str], rows: Sequence[Sequence[str]], separator: str = ",", end: str = "\n") -> str:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, lineterminator=end)
    writer.writerows([header, *rows])
    return buffer.getvalue()


def written(sample: Sample, rows: Sequence[Sequence[str]] | None = None) -> Table:
    """Its own rows, or others, saved by another program."""
    text = write(sample.table.header, sample.rows if rows is None else rows)
    return read_table(text.encode(), "export.csv")


def parse(sample: Sample, rows: Sequence[Sequence[str]], options: Options = OPTIONS) -> Parsed:
    """The rows under the sample's header; each must be a record or rejected with a reason."""
    parsed = sample.importer.parse(written(sample, rows), options)
    assert parsed.rows_read + parsed.rows_blank == len(rows)
    assert parsed.rows_read == len(parsed.records) + parsed.rows_merged + len(parsed.rejected)
    assert all(rejected.reason.endswith((".", "?")) for rejected in parsed.rejected)
    costs = [record.cost_usd for record in parsed.records if record.cost_usd is not None]
    assert all(cost.is_finite() for cost in costs)
    return parsed


def by_key(parsed: Parsed) -> dict[UUID, CostRecord]:
    return {record.source_key: record for record in parsed.records}


@each_sample
def test_encoding_separator_and_line_ending_make_no_difference(sample: Sample) -> None:
    expected = parse(sample, sample.rows).records
    encodings = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le")
    for encoding, separator, end in product(encodings, ",;\t|", ["\n", "\r\n"]):
        text = write(sample.table.header, sample.rows, separator, end)
        table = read_table(text.encode(encoding), "export.csv")
        assert identify_all([table]) is sample.importer, (encoding, separator, end)
        assert sample.importer.parse(table, OPTIONS).records == expected, (encoding, separator, end)


@each_sample
def test_western_letters_survive_windows_1252(sample: Sample) -> None:
    rows = [["Gebühr für März", *(cell if cell.isascii() else "" for cell in row)] for row in sample.rows]
    table = read_table(write(["new column", *sample.table.header], rows).encode("cp1252"), "export.csv")
    assert table.rows[0][1][0] == "Gebühr für März"
    assert identify_all([table]) is sample.importer
    assert sample.importer.parse(table, OPTIONS).records


@each_sample
def test_line_break_in_a_quoted_cell_does_not_end_the_row(sample: Sample) -> None:
    rows = [[*cells, "a note\r\nof two lines"] for cells in sample.rows]
    table = read_table(write([*sample.table.header, "new column"], rows).encode(), "export.csv")
    parsed = sample.importer.parse(table, OPTIONS)
    assert parsed.records == parse(sample, sample.rows).records


@each_sample
def test_header_without_rows_is_refused_with_a_reason(sample: Sample) -> None:
    with pytest.raises(ImportRefused, match="has a header and no rows below it"):
        read_table(write(sample.table.header, []).encode(), "export.csv")


@each_sample
def test_duplicate_column_is_refused_with_a_reason(sample: Sample) -> None:
    header = [*sample.table.header, sample.table.header[0].upper()]
    with pytest.raises(ImportRefused, match="has more than one column named"):
        read_table(write(header, [[*cells, ""] for cells in sample.rows]).encode(), "export.csv")


@each_sample
def test_additional_columns_are_ignored_up_to_the_limit(sample: Sample) -> None:
    more = [f"new {number}" for number in range(MAX_COLUMNS - len(sample.table.header))]
    rows = [[*cells, *more] for cells in sample.rows]
    table = read_table(write([*sample.table.header, *more], rows).encode(), "export.csv")
    assert sample.importer.parse(table, OPTIONS).records == parse(sample, sample.rows).records
    with pytest.raises(ImportRefused, match=f"columns; the limit is {MAX_COLUMNS}"):
        read_table(write([*sample.table.header, *more, "one"], rows).encode(), "export.csv")


@each_sample
def test_any_number_in_any_column_is_read_or_rejected_with_its_reason(sample: Sample) -> None:
    options = replace(OPTIONS, decimal_comma=sample.name.startswith("generic_german"))
    good = {line for lines in parse(sample, sample.rows).lines for line in lines}
    rows = [list(cells) for line, cells in written(sample).rows if line in good]
    for column, number in product(range(len(sample.table.header)), NUMBERS):
        filled = [[*cells[:column], number, *cells[column + 1 :]] for cells in rows]
        with suppress(Question):
            for rejected in parse(sample, filled, options).rejected:
                assert explains(rejected.reason, number)


def explains(reason: str, number: str) -> bool:
    """Check whether a reason quotes the number or names a conflict with other cells."""
    return f'"{number}"' in reason or any(conflict in reason for conflict in CONFLICTS)


@each_sample
def test_impossible_date_is_rejected_in_the_column_of_dates(sample: Sample) -> None:
    reasons = []
    for column in range(len(sample.table.header)):
        parsed = parse(sample, sample.filled(column, "2026-02-30"))
        reasons += [rejected.reason for rejected in parsed.rejected]
    assert any("does not exist in the calendar" in reason for reason in reasons)


def model_column(sample: Sample) -> int:
    """The index of the column with the model, or -1."""
    names = ("model_permaslug", "model", "model_version", "line_item", "providedModelName", "model_name")
    found = [sample.table.column(name.casefold()) for name in names]
    return next((column for column in found if column is not None), -1)


@every_case([(sample,) for sample in SAMPLES if model_column(sample) >= 0])
def test_too_long_model_name_is_rejected_and_html_is_stored_as_text(sample: Sample) -> None:
    column = model_column(sample)
    before = {rejected.line for rejected in parse(sample, sample.rows).rejected}
    parsed = parse(sample, sample.filled(column, "m" * 10_000))
    assert parsed.records == []
    reasons = [rejected.reason for rejected in parsed.rejected if rejected.line not in before]
    assert reasons
    assert all(f"10,000 characters; the limit is {MAX_MODEL_NAME}" in reason for reason in reasons)
    shown = parse(sample, sample.filled(column, HTML)).records
    assert shown
    assert any("<script>" in record.model_name for record in shown)


@each_sample
def test_same_file_always_gives_the_same_records(sample: Sample) -> None:
    assert parse(sample, sample.rows) == parse(sample, sample.rows)


@each_sample
def test_order_of_rows_does_not_matter(sample: Sample) -> None:
    assert by_key(parse(sample, sample.rows[::-1])) == by_key(parse(sample, sample.rows))


def without_names(records: dict[UUID, CostRecord]) -> dict[UUID, CostRecord]:
    """Records without the names that the rows around a call give it, which another export may not have."""
    names = {"agent", "task", "tool"}
    return {
        key: replace(
            record, metadata={name: value for name, value in record.metadata.items() if name not in names}
        )
        for key, record in records.items()
    }


@each_sample
def test_overlapping_exports_add_up_to_one_export_of_everything(sample: Sample) -> None:
    whole = parse(sample, sample.rows)
    third = max(1, len(whole.records) // 3)
    together: dict[UUID, CostRecord] = {}
    for lines in (whole.lines[: 2 * third], whole.lines[third:]):
        chosen = {line for record_lines in lines for line in record_lines}
        rows = [cells for line, cells in written(sample).rows if line in chosen]
        if rows:
            together |= by_key(parse(sample, rows))
    assert without_names(together) == without_names(by_key(whole))
