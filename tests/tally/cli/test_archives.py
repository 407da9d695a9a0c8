"""`tally archive`: run, list, verify and restore, as an operator types them."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from tally.cli.archives import archive
from tests.database_fixtures import Connection, Project
from tests.tally.archive.ledgers import fill, read_rows, read_totals

Run = Callable[..., Result]


@pytest.fixture
def person(project: Project, user: UUID) -> Connection:
    """Somebody with records."""
    connection = project.act_as("authenticated", user)
    fill(connection)
    return connection


@pytest.fixture
def tally_archive(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command, on the database and a folder."""
    (tmp_path / "files").mkdir()
    for name, value in {
        "SUPABASE_URL": "http://127.0.0.1:1",
        "SUPABASE_PUBLISHABLE_KEY": "none",
        "DATABASE_URL": project.cluster.url(project.name, "postgres"),
        "TALLY_ARCHIVE_URL": f"file://{tmp_path / 'files'}",
    }.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(archive, arguments)

    return run


def test_a_month_goes_and_comes_back(
    tally_archive: Run, database: Connection, person: Connection, user: UUID
) -> None:
    before, rows = read_totals(person), read_rows(database, user)
    assert tally_archive("list").output == "Nothing is archived.\n"
    gone = tally_archive("run", "2026-01", "--workspace", str(user))
    assert gone.exit_code == 0, gone.output
    assert gone.output.startswith("Archived ")
    assert read_totals(person) == before
    listed = tally_archive("list")
    assert "archived" in listed.output
    assert str(user) in listed.output
    assert "All 1 are whole." in tally_archive("verify").output
    back = tally_archive("restore", "2026-01")
    assert back.output.startswith("Brought ")
    assert read_rows(database, user) == rows


def test_the_setting_is_followed(
    tally_archive: Run, database: Connection, person: Connection, user: UUID
) -> None:
    assert tally_archive("run").output == "Nothing is old enough to be archived.\n"
    person.execute("select public.set_archive_days(%s, 60)", [user])
    assert "Archived 2026-01 of" in tally_archive("run").output
    assert {row["timestamp"][:4] for row in read_rows(database, user)["cost_records"]} == set()


def test_a_changed_file_is_named_and_ends_with_an_error(
    tally_archive: Run, person: Connection, user: UUID, tmp_path: Path
) -> None:
    assert person
    tally_archive("run", "2026-01", "--workspace", str(user))
    [file] = tmp_path.rglob("cost_records.parquet")
    file.write_bytes(file.read_bytes()[:-1])
    checked = tally_archive("verify")
    assert checked.exit_code == 1
    assert "its checksum differs" in checked.output
    assert "its checksum differs" in tally_archive("list").output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("run", "2026-13"), "2026-13 is no month such as 2026-03."),
        (("run", "2026-01"), "Name the workspace whose month is to be archived"),
        (("run", "2026-01", "--workspace", "Nobody's"), "There is no workspace “Nobody's”."),
        (("restore", "2026-01"), "Nothing of 2026-01 is archived."),
    ],
)
def test_what_cannot_be_done_is_told(tally_archive: Run, arguments: tuple[str, ...], told: str) -> None:
    ended = tally_archive(*arguments)
    assert ended.exit_code != 0
    assert told in str(ended.exception)
