"""Storage that is full, missing or changed, and runs that end on the way: named, and nothing is lost."""

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from shutil import disk_usage
from typing import Any
from uuid import UUID

import pytest

from tally.archive.leaving import Leaving
from tally.archive.manifest import MANIFEST
from tally.archive.problems import ArchiveProblem
from tally.archive.storage import Storage, open_storage
from tally.archive.stretch import load_archives
from tally.archive.upkeep import archive_one, restore_month, verify
from tests.database_fixtures import Connection, Project, wait_for_lock
from tests.object_store import READER_KEY, READER_SECRET, ObjectStore
from tests.scratch import mounted_disk
from tests.tally.archive.ledgers import JANUARY, read_rows, read_totals


class Killed(BaseException):
    """The end of a process: no handler of errors runs."""


class Dying(Storage):
    """The storage of a process that ends at a step."""

    def __init__(self, alive: Storage, step: str) -> None:
        self.files, self._has_folders, self.step = alive.files, alive._has_folders, step

    def make_folder(self, path: str) -> None:
        self._end("before the files")
        super().make_folder(path)

    def write(self, path: str, content: bytes) -> None:
        self._end("before the manifest")
        super().write(path, content)
        self._end("after the manifest")

    def _end(self, step: str) -> None:
        if step == self.step:
            raise Killed


@pytest.mark.parametrize(
    "step", ["before the files", "in a file", "before the manifest", "after the manifest"]
)
def test_a_killed_archive_loses_nothing_and_is_done_again(
    step: str, database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    def stop(done: int, _: int, __: str) -> None:
        if step == "in a file" and done:
            raise Killed

    before, rows = read_totals(person), read_rows(database, user)
    with pytest.raises(Killed):
        archive_one(Leaving(database, Dying(storage, step), user, JANUARY, stop))
    assert read_totals(person) == before
    assert read_rows(database, user) == rows
    assert [one.state for one in load_archives(database, user)] == ["writing"]

    archive_one(Leaving(database, storage, user, JANUARY))

    [archive] = load_archives(database, user)
    assert archive.state == "archived"
    assert set(storage.list_files("")) == {
        f"{archive.folder}/{name}"
        for name in (MANIFEST, "cost_records.parquet", "superseded_records.parquet")
    }
    assert read_totals(person) == before
    restore_month(database, storage, user, JANUARY)
    assert read_rows(database, user) == rows


def test_records_that_change_meanwhile_are_archived_as_they_became(
    database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    changes = iter(["7", "8"])

    def change(done: int, _: int, __: str) -> None:
        if done and (cost := next(changes, None)):
            person.execute(
                "update public.cost_records set cost_usd = %s where timestamp = '2026-01-01Z'", [cost]
            )

    archive_one(Leaving(database, storage, user, JANUARY, change))
    assert len(storage.list_files("")) == 3
    restore_month(database, storage, user, JANUARY)
    query = "select cost_usd from public.cost_records where timestamp = '2026-01-01Z'"
    assert str(person.execute(query).fetchall()[0][0]) == "8.0000000000"


def test_a_killed_restore_changes_nothing_and_is_done_again(
    database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    def stop(*_: Any) -> None:
        raise Killed

    before, rows = read_totals(person), read_rows(database, user)
    archive_one(Leaving(database, storage, user, JANUARY))
    with pytest.raises(Killed):
        restore_month(database, storage, user, JANUARY, stop)
    assert read_totals(person) == before
    assert [one.state for one in load_archives(database, user)] == ["archived"]
    restore_month(database, storage, user, JANUARY)
    assert read_rows(database, user) == rows


def _change_byte(storage: Storage, path: str) -> None:
    content = bytearray(storage.read(path) or b"")
    content[len(content) // 2] ^= 1
    storage.write(path, bytes(content))


def _truncate(storage: Storage, path: str) -> None:
    content = storage.read(path) or b""
    storage.write(path, content[: len(content) // 2])


def _delete(storage: Storage, path: str) -> None:
    storage.files.delete_file(path)


DAMAGES: list[tuple[Callable[[Storage, str], None], str, str]] = [
    (_change_byte, "cost_records.parquet", "its checksum differs"),
    (_truncate, "superseded_records.parquet", "its checksum differs"),
    (_delete, "cost_records.parquet", "is missing"),
    (_change_byte, MANIFEST, "manifest of 2026-01 was changed"),
    (_delete, MANIFEST, "manifest of 2026-01 is missing"),
]


def test_a_damaged_archive_is_named_and_restored_once_it_is_whole(
    database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    before, rows = read_totals(person), read_rows(database, user)
    archive_one(Leaving(database, storage, user, JANUARY))
    [archive] = load_archives(database, user)
    for damage, name, named in DAMAGES:
        path = f"{archive.folder}/{name}"
        whole = storage.read(path) or b""
        damage(storage, path)
        with pytest.raises(ArchiveProblem, match=named):
            restore_month(database, storage, user, JANUARY)
        [(_, problem)] = verify(database, storage, [archive])
        assert named in problem
        assert [one.problem for one in load_archives(database, user)] == [problem]
        assert read_totals(person) == before
        storage.write(path, whole)
    assert [problem for _, problem in verify(database, storage, [archive])] == [""]
    restore_month(database, storage, user, JANUARY)
    assert read_rows(database, user) == rows


def test_storage_that_cannot_be_used_is_named(
    database: Connection, person: Connection, user: UUID, store: ObjectStore, folder: str, tmp_path: Path
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"s3://bucket/x?endpoint_override=http://127.0.0.1:{silent.getsockname()[1]}"
    no_bucket = f"s3://x/{folder}?endpoint_override={store.endpoint}"
    before, rows = read_totals(person), read_rows(database, user)
    cases = [
        ({}, "Set TALLY_ARCHIVE_URL"),
        ({"tally_archive_url": "ftp://x"}, "no address of a bucket or a folder"),
        ({"tally_archive_url": "s3://bucket?secret=1"}, "unknown part: secret"),
        ({"tally_archive_url": f"file://{tmp_path}/missing"}, "is missing. Mount or create it"),
        (store.settings(folder) | {"tally_archive_url": address}, "does not answer"),
        (store.settings(folder, secret="wrong"), "refuses Tally's keys"),
        (store.settings(folder, READER_KEY, READER_SECRET), "refuses Tally's keys"),
        (store.settings(folder) | {"tally_archive_url": no_bucket}, "has no such bucket"),
    ]
    for settings, named in cases:
        with pytest.raises(ArchiveProblem, match=named):
            archive_one(Leaving(database, open_storage(settings), user, JANUARY))
    assert read_totals(person) == before
    assert read_rows(database, user) == rows
    assert {one.state for one in load_archives(database, user)} <= {"writing"}
    archive_one(Leaving(database, open_storage(store.settings(folder)), user, JANUARY))
    assert read_totals(person) == before


def test_a_full_disk_is_named(database: Connection, person: Connection, user: UUID, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    before, rows = read_totals(person), read_rows(database, user)
    with mounted_disk(folder):
        storage = open_storage({"tally_archive_url": f"file://{folder}"})
        filler = folder / "filler"
        filler.write_bytes(b"x" * (disk_usage(folder).free - 8_192))
        with pytest.raises(ArchiveProblem, match=r"is full\. Make room"):
            archive_one(Leaving(database, storage, user, JANUARY))
        assert read_rows(database, user) == rows
        filler.unlink()
        archive_one(Leaving(database, storage, user, JANUARY))
        assert read_totals(person) == before
        restore_month(database, storage, user, JANUARY)
    assert read_rows(database, user) == rows


def test_rows_that_cannot_leave_stay_with_their_files_gone(
    project: Project, database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    """Somebody holds a record for longer than the run waits."""
    before, rows = read_totals(person), read_rows(database, user)
    database.execute("set lock_timeout = '200ms'")
    with project.connect() as other, other.transaction():
        other.execute("select from public.cost_records where timestamp = '2026-01-01Z' for update")
        with pytest.raises(ArchiveProblem, match="are in use"):
            archive_one(Leaving(database, storage, user, JANUARY))
    database.execute("reset lock_timeout")
    assert storage.list_files("") == {}
    assert load_archives(database, user) == []
    assert (read_totals(person), read_rows(database, user)) == (before, rows)


def test_a_change_that_meets_the_deletion_is_not_lost(
    project: Project, database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    """It waits for the archive's end, and then finds no record: nothing is changed that no file has."""
    before, rows = read_totals(person), read_rows(database, user)
    note = "update public.cost_records set metadata = '{}' where timestamp = '2026-01-28T23:59:59.999999Z'"
    with project.connect() as holder, ThreadPoolExecutor(2) as threads:
        with holder.transaction():
            holder.execute("select from public.cost_records where timestamp = '2026-01-01Z' for update")
            archiving = threads.submit(archive_one, Leaving(database, storage, user, JANUARY))
            wait_for_lock(holder, database)  # it has its locks, and waits for the record
            changing = threads.submit(person.execute, note)
            wait_for_lock(holder, person)
        archiving.result(60)
        assert changing.result(60).rowcount == 0
    assert read_totals(person) == before
    restore_month(database, storage, user, JANUARY)
    assert read_rows(database, user) == rows


def test_a_change_that_is_not_committed_yet_is_in_the_files(
    project: Project, database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    change = "update public.cost_records set cost_usd = 9 where timestamp = '2026-01-01Z'"
    with project.connect() as watcher, ThreadPoolExecutor(1) as threads:
        with person.transaction():
            assert person.execute(change).rowcount == 1
            archiving = threads.submit(archive_one, Leaving(database, storage, user, JANUARY))
            wait_for_lock(watcher, database)
        archiving.result(60)
    restore_month(database, storage, user, JANUARY)
    query = "select cost_usd from public.cost_records where timestamp = '2026-01-01Z'"
    assert str(person.execute(query).fetchall()[0][0]) == "9.0000000000"
    assert user


def test_rows_wait_for_an_engine_that_is_fed_with_them(
    database: Connection, person: Connection, user: UUID, storage: Storage
) -> None:
    before, rows = read_totals(person), read_rows(database, user)
    database.execute("insert into private.analytics_engine default values")
    person.execute("update public.cost_records set metadata = metadata where timestamp = '2026-01-01Z'")
    with pytest.raises(ArchiveProblem, match="are in use"):
        archive_one(Leaving(database, storage, user, JANUARY))
    assert len(read_rows(database, user)["cost_records"]) == len(rows["cost_records"])
    database.execute("delete from private.analytics_outbox")
    archive_one(Leaving(database, storage, user, JANUARY))
    noted = "select count(*) from private.analytics_outbox"
    assert database.execute(noted).fetchone() == (0,), "The engine keeps what left Postgres."
    kept = "select private.is_archived_for_engine(%s, %s)"
    for instant, is_kept in (("2026-01-31T23:59Z", True), ("2026-02-01Z", False)):
        assert database.execute(kept, [user, instant]).fetchone() == (is_kept,)
    restore_month(database, storage, user, JANUARY)
    again = "select distinct first_at, last_at from private.analytics_tasks where workspace_id = %s"
    assert database.execute(again, [user]).fetchall() == [JANUARY.instants]
    assert read_totals(person) == before
