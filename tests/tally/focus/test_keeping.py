"""Files of months: written again when their figures change, and never half-written."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tally.core.records import CostRecord, identity
from tally.focus.keeping import MANIFEST, Kept, Target, keep_months
from tally.focus.versions import VERSIONS
from tally.ledger.save import save_batch
from tally.storage.objects import StorageProblem, Store, open_store
from tally.storage.postgres import PostgresDatabase
from tests.database_fixtures import Connection, add_user, make_months
from tests.object_store import object_store
from tests.tally.focus.rules import find_violations
from tests.tally.moving.houses import add_source

PERIOD = (date(2026, 1, 15), date(2026, 6, 2))


@pytest.fixture
def workspace(database: Connection) -> PostgresDatabase:
    """Costs of March and May, from two sources."""
    person = PostgresDatabase(database, add_user(database))
    for month in (3, 5):
        save_batch(person, [record(month)], add_source(person, "file", f"{month}.csv"))
    return person


def record(month: int, cost: str = "1.25") -> CostRecord:
    at = datetime(2026, month, 31, 23, 59, tzinfo=UTC)
    return CostRecord("openai", at, "gpt-5", Decimal(cost), identity("keeping", month, cost))


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """A store of either kind."""
    if request.param == "folder":
        yield open_store(str(tmp_path))
        return
    with object_store(tmp_path) as server:
        settings = server.settings("costs")
        yield open_store(settings["tally_archive_url"], settings)


def read(store: Store, workspace: PostgresDatabase, name: str) -> bytes:
    """A file of the workspace."""
    content = store.read(f"focus-1.2/{workspace.scope.workspace_id}/{name}")
    assert content is not None
    return content


def list_names(store: Store) -> list[str]:
    """The files without their folders."""
    return sorted(path.rpartition("/")[2] for path in store.list_files("focus-1.2"))


def target(store: Store) -> Target:
    return Target(store, VERSIONS["1.2"])


def test_months_are_files_that_follow_their_figures(store: Store, workspace: PostgresDatabase) -> None:
    assert keep_months(workspace, target(store), PERIOD) == Kept(2, ("2026-03", "2026-05"))
    assert list_names(store) == ["2026-03.csv", "2026-05.csv", MANIFEST]
    march = read(store, workspace, "2026-03.csv")
    rows = list(csv.DictReader(io.StringIO(march.decode(), newline="")))
    assert [row["BilledCost"] for row in rows] == ["1.25"]
    assert not find_violations(rows)
    told = json.loads(read(store, workspace, MANIFEST))["months"]
    assert told["2026-03"]["sha256"] == sha256(march).hexdigest()
    assert [file["billed_usd"] for file in told.values()] == ["1.2500000000"] * 2

    assert keep_months(workspace, target(store), PERIOD) == Kept(2)
    save_batch(workspace, [record(5, "2")], None)
    assert keep_months(workspace, target(store), PERIOD) == Kept(2, ("2026-05",))
    assert read(store, workspace, "2026-03.csv") == march
    sources = workspace._connection.execute("select id from public.imports order by filename").fetchall()
    workspace.call("set_source_enabled", import_id=str(sources[0][0]), is_enabled=False)
    assert keep_months(workspace, target(store), PERIOD) == Kept(1, (), ("2026-03",))
    assert list_names(store) == ["2026-05.csv", MANIFEST]


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def test_nothing_is_read_while_nothing_changes(folder: Store, workspace: PostgresDatabase) -> None:
    keep_months(workspace, target(folder), PERIOD)
    called: list[str] = []

    class Watched(PostgresDatabase):
        """Notes the functions that are called."""

        def call(self, function: str, **params: Any) -> Any:
            called.append(function)
            return super().call(function, **params)

    watched = Watched(workspace._connection, workspace.scope.user_id)
    assert keep_months(watched, target(folder), PERIOD) == Kept(2)
    assert called == ["data_version"]


def test_lost_and_changed_files_are_written_again(
    folder: Store, workspace: PostgresDatabase, tmp_path: Path
) -> None:
    keep_months(workspace, target(folder), PERIOD)
    place = tmp_path / "focus-1.2" / workspace.scope.workspace_id
    (place / "2026-03.csv").unlink()
    with (place / "2026-05.csv").open("a") as file:
        file.write("half a row")
    assert keep_months(workspace, target(folder), PERIOD) == Kept(2, ("2026-03", "2026-05"))
    assert keep_months(workspace, target(folder), PERIOD) == Kept(2)


def test_a_run_that_ends_early_is_finished_by_the_next(
    folder: Store, workspace: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = Store.upload

    def fail_in_may(self: Store, path: str, source: Path) -> None:
        if "2026-05" in path:
            raise StorageProblem("The storage is full.")
        upload(self, path, source)

    monkeypatch.setattr(Store, "upload", fail_in_may)
    with pytest.raises(StorageProblem):
        keep_months(workspace, target(folder), PERIOD)
    assert list_names(folder) == ["2026-03.csv", MANIFEST]
    assert list(json.loads(read(folder, workspace, MANIFEST))["months"]) == ["2026-03"]
    monkeypatch.setattr(Store, "upload", upload)
    assert keep_months(workspace, target(folder), PERIOD) == Kept(2, ("2026-05",))


def test_archived_months_keep_their_files(
    folder: Store, workspace: PostgresDatabase, database: Connection
) -> None:
    keep_months(workspace, target(folder), PERIOD)
    before = read(folder, workspace, "2026-03.csv")
    make_months(database, "2026-03-01")
    with database.transaction(force_rollback=True):
        database.execute("delete from public.cost_records where timestamp < '2026-04-01'")
        database.execute("insert into private.archived_months (month) values ('2026-03-01')")
        assert keep_months(workspace, target(folder), PERIOD) == Kept(2, archived=("2026-03",))
    assert read(folder, workspace, "2026-03.csv") == before


def test_a_manifest_of_others_is_not_overwritten(
    folder: Store, workspace: PostgresDatabase, tmp_path: Path
) -> None:
    place = tmp_path / "focus-1.2" / workspace.scope.workspace_id
    place.mkdir(parents=True)
    for content in ("[]", "half", '{"months": {"a": {}}}', '{"months": [], "state": null}'):
        (place / MANIFEST).write_text(content)
        with pytest.raises(StorageProblem, match="is not a manifest of Tally"):
            keep_months(workspace, target(folder), PERIOD)
        assert (place / MANIFEST).read_text() == content


def test_files_of_another_format_take_their_place(folder: Store, workspace: PostgresDatabase) -> None:
    keep_months(workspace, target(folder), PERIOD)
    parquet = replace(target(folder), file_format="parquet")
    assert keep_months(workspace, parquet, PERIOD).months == 2
    assert list_names(folder) == ["2026-03.parquet", "2026-05.parquet", MANIFEST]
