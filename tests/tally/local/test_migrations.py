"""Migrations of `tally up`: pending ones are applied, data of another version is refused unchanged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tally.local import migrations
from tally.local.home import Home
from tally.local.migrations import MigrationsFailed, OtherVersion, push_migrations
from tally.local.node import Node
from tests.database_fixtures import Connection

NODE = Node(Path("node"), "24.0.0", ())
HISTORY = """
create schema if not exists supabase_migrations;
create table supabase_migrations.schema_migrations (version text primary key, statements text[], name text)"""
APPLY = "insert into supabase_migrations.schema_migrations (version, name) values (%s, %s)"

pytestmark = pytest.mark.new_database


class Interrupted(Exception):
    """A push was stopped."""


class Checkout:
    """A checkout's migrations, and a database that they are pushed to by a stand-in for the CLI."""

    def __init__(self, database: Connection, folder: Path) -> None:
        self.database, self.folder = database, folder
        self.home = Home(folder.parent / "home")

    def write(self, **contents: str) -> None:
        """Write these migrations instead of all others."""
        for path in self.folder.glob("*.sql"):
            path.unlink()
        for name, content in contents.items():
            (self.folder / f"{name.removeprefix('v')}.sql").write_text(f"-- {content}\n")

    def push(self, back_up: Callable[[], object] = lambda: None) -> list[str]:
        """Push what is pending, as `tally up` does."""
        return push_migrations(self.home, NODE, self.database.info.dsn, back_up)

    def apply_all(self, *_: Any) -> None:
        """Record each file as applied, as the CLI does."""
        known = self.database.execute("select version from supabase_migrations.schema_migrations").fetchall()
        for path in sorted(self.folder.glob("*.sql")):
            version, name = path.stem.split("_", 1)
            if (version,) not in known:
                self.database.execute(APPLY, [version, name])

    def tables(self) -> list[tuple[str]]:
        """The tables beside the CLI's own."""
        query = "select tablename::text from pg_tables where schemaname = 'supabase_migrations' order by 1"
        return self.database.execute(query).fetchall()


@pytest.fixture
def checkout(database: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    folder = tmp_path / "migrations"
    folder.mkdir()
    database.execute("drop schema if exists supabase_migrations cascade")
    database.execute(HISTORY)
    made = Checkout(database, folder)
    monkeypatch.setattr(migrations, "MIGRATIONS", folder)
    monkeypatch.setattr(migrations, "_push", made.apply_all)
    monkeypatch.setattr(migrations, "_work_folder", lambda _home: folder)
    return made


def test_later_versions_add_their_migrations(checkout: Checkout) -> None:
    checkout.write(v001_schemas="a", v002_workspaces="b")
    assert checkout.push() == ["001_schemas.sql", "002_workspaces.sql"]
    assert checkout.push() == []
    checkout.write(v001_schemas="a", v002_workspaces="b", v003_local_days="c")
    assert checkout.push() == ["003_local_days.sql"]


def test_data_from_before_the_checksums_is_refused_unchanged(checkout: Checkout) -> None:
    for version, name in (("001", "initial_schema"), ("002", "cost_records"), ("019", "model_names")):
        checkout.database.execute(APPLY, [version, name])
    checkout.write(v001_schemas="a", v002_workspaces="b", v020_later="c")
    with pytest.raises(OtherVersion) as refused:
        checkout.push()
    assert str(refused.value) == (
        f"The data in {checkout.home.path} was made by another version of Tally: run `tally export` with "
        "that version, then set TALLY_HOME to an empty folder and run `tally import` with this one."
    )
    assert checkout.tables() == [("schema_migrations",)]


def test_same_names_with_other_contents_are_refused(checkout: Checkout) -> None:
    checkout.write(v001_schemas="a", v002_workspaces="b")
    checkout.push()
    checkout.write(v001_schemas="a", v002_workspaces="changed", v003_later="c")
    with pytest.raises(OtherVersion):
        checkout.push()
    checkout.write(v001_schemas="a", v002_workspaces="b", v003_later="c")
    assert checkout.push() == ["003_later.sql"]


def test_data_of_a_later_version_is_refused(checkout: Checkout) -> None:
    checkout.write(v001_schemas="a", v002_workspaces="b")
    checkout.push()
    checkout.write(v001_schemas="a")
    with pytest.raises(OtherVersion):
        checkout.push()


def test_push_that_cannot_succeed_changes_nothing(checkout: Checkout) -> None:
    checkout.write(v001_schemas="a")
    checkout.push()
    checkout.write(
        v001_schemas="a",
        v002_good="b\ncreate table private.added (cents integer); insert into private.added values (1);",
        v003_bad="c\nalter table private.added add check (cents > 1);",
    )
    before = checkout.tables()
    with pytest.raises(MigrationsFailed) as failed:
        checkout.push(lambda: pytest.fail("nothing is backed up for a push that does not happen"))
    assert str(failed.value).startswith(
        'The data in the database does not suit 003_bad.sql: check constraint "added_cents_check"'
    )
    assert str(failed.value).endswith("the version of Tally that ran before still starts.")
    assert checkout.tables() == before
    assert checkout.database.execute("select to_regclass('private.added')").fetchone() == (None,)
    checkout.write(v001_schemas="a")
    assert checkout.push() == [], "the version before starts"


def test_backup_is_made_before_a_later_push_alone(checkout: Checkout) -> None:
    made: list[int] = []

    def back_up() -> None:
        row = checkout.database.execute(
            "select count(*) from supabase_migrations.schema_migrations"
        ).fetchone()
        made.append(row[0] if row else -1)

    checkout.write(v001_schemas="a")
    assert checkout.push(back_up) == ["001_schemas.sql"]
    assert made == [], "a new database has nothing to lose"
    checkout.push(back_up)
    checkout.write(v001_schemas="a", v002_good="b")
    assert checkout.push(back_up) == ["002_good.sql"]
    assert made == [1]


def test_failed_backup_stops_the_push(checkout: Checkout) -> None:
    def fail() -> None:
        raise Interrupted

    checkout.write(v001_schemas="a")
    checkout.push()
    checkout.write(v001_schemas="a", v002_good="b")
    with pytest.raises(Interrupted):
        checkout.push(fail)
    assert checkout.push() == ["002_good.sql"]


def test_interrupted_push_is_finished_by_the_next(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise Interrupted

    def apply_and_fail(*_: Any) -> None:
        checkout.apply_all()
        raise Interrupted

    checkout.write(v001_schemas="a")
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "_push", apply_and_fail)
        with pytest.raises(Interrupted):
            checkout.push()
        assert checkout.push() == []
    checkout.write(v001_schemas="a", v002_workspaces="never applied")
    with monkeypatch.context() as patched:
        patched.setattr(migrations, "_push", fail)
        with pytest.raises(Interrupted):
            checkout.push()
    checkout.write(v001_schemas="a", v002_workspaces="corrected")
    assert checkout.push() == ["002_workspaces.sql"]
    assert checkout.push() == []


def test_database_without_history_gets_every_migration(checkout: Checkout) -> None:
    checkout.database.execute("drop table supabase_migrations.schema_migrations")
    checkout.write(v001_schemas="a")

    def create_and_apply(*_: Any) -> None:
        checkout.database.execute(HISTORY)
        checkout.apply_all()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrations, "_push", create_and_apply)
        assert checkout.push() == ["001_schemas.sql"]
    assert checkout.push() == []
