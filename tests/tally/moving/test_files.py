"""The file of an export: exact cells, and refusals in a sentence before anything is written."""

import json
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.backups.archive import MANIFEST, new_archive
from tally.importers import ImportRefused, read_tables
from tally.moving import cells, file
from tally.moving.file import ExportFile, ExportManifest, ExportRefused, TableWriter
from tally.moving.tables import PROJECTS, RECORDS, SOURCES, TABLES, Row
from tally.storage.export import FORMULA_STARTS

ID = "11111111-2222-3333-4444-555555555555"
OTHER_ID = "99999999-2222-3333-4444-555555555555"
PROJECT: Row = {"id": ID, "name": "Web", "slug": "web", "is_private": False, "archived_at": None}
RECORD: Row = {
    **dict.fromkeys(RECORDS.columns),
    **{name: 0 for name in RECORDS.columns if name.endswith("_tokens") or name == "request_count"},
    "tokens_used": 0,
    "timestamp": "2026-11-02T12:00:00+00:00",
    "provider": "openai",
    "model_name": "gpt-5",
    "cost_usd": "1.25",
    "cost_basis": "billed",
    "charge_type": "usage",
    "collection_method": "csv_import",
    "source_key": ID,
    "dataset": "requests",
    "billed_under_other_name": False,
    "metadata": {},
    "project_id": ID,
}
SOURCE: Row = {
    **dict.fromkeys(SOURCES.columns, 0),
    "id": ID,
    "person": None,
    "kind": "machine",
    "filename": "f",
    "format": "f",
    "file_sha256": None,
    "is_enabled": True,
    "status": "done",
    "metadata": {},
    "finished_at": None,
}
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write an export with a project, a source and records."""

    def write_file(*records: Row, source: Row = SOURCE) -> Path:
        path = tmp_path / "moving.zip"
        path.unlink(missing_ok=True)
        rows = {PROJECTS.name: [PROJECT], SOURCES.name: [source], RECORDS.name: records or [RECORD]}
        with new_archive(path, "export", zipfile.ZIP_DEFLATED) as archive:
            writer = TableWriter(archive)
            for table in TABLES:
                with writer.writing(table) as write_rows:
                    write_rows(rows.get(table.name, []))
            archive.finish(
                ExportManifest(
                    tally="0",
                    schema_version="058",
                    created_at="2026-11-29",
                    account="ada@example.com",
                    workspace="Ada",
                    workspace_id=ID,
                    is_personal=True,
                    first_day=None,
                    last_day=None,
                    rows=writer.rows,
                    totals={},
                    left_out=[],
                    parts=archive.parts,
                )
            )
        return path

    return write_file


def rewrite(path: Path, changes: dict[str, bytes | None], manifest: dict[str, Any] | None = None) -> Path:
    """Change files in the ZIP, and the manifest so that it agrees with them."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    described = json.loads(parts.pop(MANIFEST))
    for name, content in changes.items():
        if content is None:
            del parts[name]
        else:
            parts[name] = content
            described["parts"][name] = {"size": len(content), "sha256": sha256(content).hexdigest()}
    described |= manifest or {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**parts, MANIFEST: json.dumps(described).encode()}.items():
            archive.writestr(name, content)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ExportRefused) as refused:
        ExportFile(path).check()
    sentence = str(refused.value)
    assert "Nothing was imported." in sentence or "There is no file" in sentence
    return sentence


def test_a_whole_file_is_accepted_and_read_back(write: Write) -> None:
    path = write(RECORD | {"model_name": "=1+1", "metadata": {"note": "'a,\r\n\"b"}})
    read = ExportFile(path)
    read.check()
    (row,) = read.rows(RECORDS)
    assert row == RECORD | {"model_name": "=1+1", "metadata": {"note": "'a,\r\n\"b"}}
    with zipfile.ZipFile(path) as archive:
        assert b"'=1+1" in archive.read("cost_records.csv")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=50))
def test_any_text_comes_back_and_is_no_formula(value: str) -> None:
    cell = cells.write_text(value)
    assert cells.text(50)(cell) == value
    assert not cell.startswith(FORMULA_STARTS)


@given(st.decimals(-99_999_999, 99_999_999, places=10))
def test_any_amount_comes_back_to_the_last_digit(value: Any) -> None:
    assert cells.decimal()(format(value, "f")) == format(value, "f")


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("cost_usd", "123456789"),
        ("cost_usd", "0.00000000001"),
        ("cost_usd", "NaN"),
        ("cost_usd", "1e3"),
        ("cost_usd", "-5"),
        ("cost_usd", None),
        ("input_tokens", "-1"),
        ("input_tokens", "1000000000000001"),
        ("input_tokens", "\u0661"),
        ("timestamp", "2026-11-02"),
        ("timestamp", "2019-12-31T00:00:00+00:00"),
        ("timestamp", "2026-11-02T12:00:00"),
        ("day", "2026-11-03"),
        ("day", "2026-13-01"),
        ("cost_basis", "free"),
        ("project_chosen_by", "nobody"),
        ("source_key", "not-an-id"),
        ("source_key", None),
        ("model_name", "m" * 201),
        ("metadata", "[]"),
        ("metadata", "{"),
        ("metadata", "[" * 60_000),
        ("metadata", '{"a": NaN}'),
        ("metadata", '{"a": -Infinity}'),
        ("metadata", r'{"a": "\\\u0000"}'),
        ("metadata", r'{"a": "\ud800"}'),
        ("metadata", f'{{"a": "{"a" * 8_180}"}}'),
        ("metadata", f'{{"a": [{"1," * 700}1]}}'),
        ("billed_under_other_name", "yes"),
        ("request_id", "r" * 140_000),
    ],
)
def test_a_cell_that_no_column_accepts_is_refused(write: Write, column: str, cell: str | None) -> None:
    sentence = refusal(write(RECORD, RECORD | {column: cell}))
    assert "cost_records.csv" in sentence
    assert column in sentence or "line 3" in sentence or "CSV" in sentence


def test_numbers_that_no_program_can_send_are_texts() -> None:
    long = "9" * 5_000
    assert cells.record_of(f'{{"a": 1e400, "b": {long}, "c": 1.5, "d": "\\\\u0000"}}') == {
        "a": "1e400",
        "b": long,
        "c": 1.5,
        "d": "\\u0000",
    }


@pytest.mark.parametrize("column", ["project_id", "import_id", "subscription_id"])
def test_rows_of_other_workspaces_are_out_of_reach(write: Write, column: str) -> None:
    stranger = RECORD | {column: OTHER_ID, "day": "2026-11-02"}
    assert f"its row 1 names a {column} that is not in the file" in refusal(write(stranger))


def test_a_source_whose_rows_do_not_add_up_is_refused(write: Write) -> None:
    assert "do not add up" in refusal(write(source=SOURCE | {"rows_read": 5}))


def test_a_column_that_an_older_tally_lacks_is_empty(write: Write) -> None:
    path = rewrite(write(), {"projects.csv": f"id,name,slug,is_private\r\n{ID},Web,web,false\r\n".encode()})
    read = ExportFile(path)
    read.check()
    assert list(read.rows(PROJECTS)) == [PROJECT]


def test_a_changed_table_is_noticed(write: Write) -> None:
    path = write()
    with zipfile.ZipFile(path) as archive:
        changed = archive.read("cost_records.csv").replace(b"1.25", b"9.25")
        parts = json.loads(archive.read(MANIFEST))["parts"]
    rewrite(path, {"cost_records.csv": changed}, {"parts": parts})
    assert "its cost_records.csv was changed" in refusal(path)


def test_any_damage_is_refused_in_a_sentence(write: Write) -> None:
    path = write(*(RECORD | {"source_key": str(UUID(int=n * 7919**9 % 2**128))} for n in range(50)))
    sentences: list[str] = []
    whole, chance = path.read_bytes(), Random(5)
    for _ in range(500):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8])):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            ExportFile(path).check()
        except ExportRefused as refused:
            sentences.append(str(refused))
    assert len(sentences) > 100
    assert all(sentence.endswith(".") for sentence in sentences)


def test_wrong_tables_are_refused(write: Write) -> None:
    assert "lacks the table projects.csv" in refusal(rewrite(write(), {"projects.csv": None}))
    assert "columns are not those" in refusal(rewrite(write(), {"projects.csv": b"id,name\r\n"}))
    assert "is not an export" in refusal(rewrite(write(), {}, {"parts": {}, "rows": None}))
    short = b"id,name,slug,is_private,archived_at\r\n" + f"{ID},Web\r\n".encode()
    assert "line 2 has 2 cells instead of 5" in refusal(rewrite(write(), {"projects.csv": short}))
    with_gap = rewrite(write(), {}, {"rows": {}})
    assert "not as many as the manifest says" in refusal(with_gap)
    assert "made by a newer Tally" in refusal(rewrite(write(), {}, {"format": 2}))
    assert "cannot be read" in refusal(
        rewrite(write(), {"projects.csv": b"id,name,slug,is_private,archived_at\r\n\xff"})
    )


@pytest.mark.parametrize("name", ["../evil.csv", "/etc/passwd", "C:\\evil", "projects.csv/", "x" * 300])
def test_names_that_no_export_has_are_refused(write: Write, name: str) -> None:
    assert "which no export has" in refusal(rewrite(write(), {name: b"x"}))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_is_refused(write: Write) -> None:
    path = write()
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("projects.csv", b"another")
    assert "two files of one name" in refusal(path)


def test_a_file_that_grows_without_end_is_refused_unread(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = rewrite(write(), {"cost_records.csv": b"\0" * 50_000_000})
    assert path.stat().st_size < 100_000, "the test needs a bomb"
    monkeypatch.setattr(file, "MAX_BYTES", 10_000_000)
    assert "unpacks to more than" in refusal(path)


def test_a_table_larger_than_the_manifest_says_is_refused_unread(write: Write) -> None:
    path = write()
    with zipfile.ZipFile(path) as archive:
        described = json.loads(archive.read(MANIFEST))
    rewrite(path, {"projects.csv": b"\0" * 50_000_000}, {"parts": described["parts"]})
    assert "its projects.csv was changed" in refusal(path)


def test_an_import_of_usage_names_the_right_command(write: Write) -> None:
    with pytest.raises(
        ImportRefused, match=r"moving\.zip holds a whole workspace\..*--everything moving\.zip"
    ):
        read_tables(write().read_bytes(), "moving.zip")


def test_what_is_no_export_is_refused(tmp_path: Path, write: Write) -> None:
    assert "There is no file" in refusal(tmp_path / "nothing.zip")
    other = tmp_path / "other.zip"
    for content in (b"", b"PK\x03\x04", write().read_bytes()[:-40]):
        other.write_bytes(content)
        assert "is not an export" in refusal(other)
    for manifest in ("[]", '{"format": 1}', "[" * 100_000, '{"format": 1, "parts": 3}'):
        with zipfile.ZipFile(other, "w") as archive:
            archive.writestr(MANIFEST, manifest)
        assert "is not an export" in refusal(other)
