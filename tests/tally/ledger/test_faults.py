"""Whatever ends in the middle of an import: a sentence, and after importing again every row exactly once."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
import stamina

from tally.core.records import CostRecord, identity
from tally.importers import Parsed
from tally.importers.save import ImportFile, ImportResult, SaveInterrupted, save_import
from tally.ledger.save import BATCH
from tally.local.running import running_stack
from tally.local.stack import Stack
from tally.storage.database import DatabaseError, Query, Unreachable
from tests.embedded import free_port_block, migrated_home
from tests.supabase.parts import (
    api_answers,
    connect,
    eventually,
    kill,
    pid_of_node,
    pid_of_postgres,
    pid_of_postgrest,
)
from tests.tally.people import Person, acting, money_is_exact, over_http, sign_up

ROWS = 4 * BATCH
INTERRUPTED = re.compile(r"^[A-Z].* The import stopped partway\. Import the same file again to finish it: ")
FIRST = datetime(2026, 11, 2, 12, tzinfo=UTC)


@dataclass(slots=True)
class Place:
    """A stack of this file's own, which can be started again."""

    home: Path
    port: int


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with migrated_home() as home:
        yield Place(home, free_port_block())


@contextmanager
def started(place: Place) -> Iterator[Stack]:
    with running_stack(place.home, place.port) as stack:
        yield stack


@pytest.fixture(scope="module")
def healing() -> Iterator[Stack]:
    """One stack for all faults from which it comes back by itself."""
    with migrated_home() as home, running_stack(home, free_port_block()) as stack:
        yield stack


@pytest.fixture(scope="module")
def file() -> Parsed:
    records = [
        CostRecord(
            "openai", FIRST + timedelta(seconds=n), "m", Decimal("0.01"), identity("row", n), input_tokens=n
        )
        for n in range(ROWS)
    ]
    return Parsed(records, [(n + 2,) for n in range(ROWS)])


@pytest.fixture
def retries_at_once() -> Iterator[None]:
    """Retries without waiting, where nothing comes back."""
    with stamina.set_testing(True, attempts=3):
        yield


def bring(stack: Stack, person: Person, file: Parsed, transport: str = "supabase") -> ImportResult:
    with acting(stack, person, transport) as database:
        return save_import(database, file, ImportFile("f.csv", "test", b""))


def bring_and(stack: Stack, person: Person, file: Parsed, transport: str, fault: Callable[[], None]) -> str:
    """Import, and let the fault happen once something has been saved: what a person is told, or nothing."""
    happened: list[int] = []

    def on_progress(done: int, _total: int, _label: str) -> None:
        if done and not happened:
            happened.append(done)
            fault()

    try:
        with acting(stack, person, transport) as database:
            save_import(database, file, ImportFile("f.csv", "test", b""), on_progress)
    except SaveInterrupted as problem:
        return str(problem)
    finally:
        assert 0 < happened[0] < ROWS, "the fault was to happen in the middle"
    return ""


def each_row_is_there_once(stack: Stack, person: Person) -> bool:
    with connect(stack) as connection:
        found = connection.execute(
            "select count(*), count(distinct source_key), sum(input_tokens) from public.cost_records"
            " where user_id = %s",
            [person.user_id],
        ).fetchone()
    return found == (ROWS, ROWS, ROWS * (ROWS - 1) // 2) and money_is_exact(stack, person)


def finish(stack: Stack, person: Person, file: Parsed) -> None:
    """Import again, and check what a person relies on."""
    result = bring(stack, person, file)
    assert (result.added + result.already_there, result.rejected) == (ROWS, ())
    assert each_row_is_there_once(stack, person)


def test_killed_data_api_is_survived_or_explained(healing: Stack, file: Parsed) -> None:
    person = sign_up(healing)
    told = bring_and(healing, person, file, "supabase", lambda: kill(pid_of_postgrest(healing)))
    assert not told or INTERRUPTED.match(told), told
    eventually(lambda: api_answers(healing))
    finish(healing, person, file)


@pytest.mark.usefixtures("retries_at_once")
def test_data_api_that_stays_away_is_a_sentence(place: Place, file: Parsed) -> None:
    with started(place) as stack:
        person = sign_up(stack)
        database = over_http(stack, person)
        killed = pid_of_postgrest(stack)
        kill(killed)
        for _ in range(5):  # it gives up after six deaths within a minute
            killed = next_data_api(stack, killed)
            kill(killed)
        with pytest.raises(Unreachable, match=r"^The database cannot be reached right now\. Check that"):
            save_import(database, file, ImportFile("f.csv", "test", b""))
        with pytest.raises(Unreachable, match=r"^The database cannot be reached right now\. Check that"):
            database.select(Query("imports", "*", ["id"]))


def next_data_api(stack: Stack, killed: int) -> int:
    eventually(lambda: pid_of_postgrest(stack) != killed)
    return pid_of_postgrest(stack)


@pytest.mark.parametrize("transport", ["supabase", "postgres"])
def test_killed_database_is_survived_or_explained(healing: Stack, file: Parsed, transport: str) -> None:
    person = sign_up(healing)
    killed = pid_of_postgres(healing)
    told = bring_and(healing, person, file, transport, lambda: kill(killed))
    assert not told or INTERRUPTED.match(told), told
    assert told or transport == "supabase", "a connection of the operator ends with the server"
    eventually(lambda: is_restarted(healing, killed) and api_answers(healing))
    finish(healing, person, file)


def is_restarted(stack: Stack, killed: int) -> bool:
    try:
        with connect(stack):
            return pid_of_postgres(stack) != killed
    except (psycopg.OperationalError, OSError, ValueError, IndexError):
        return False


@pytest.mark.usefixtures("retries_at_once")
def test_everything_killed_at_once_is_explained_and_the_next_start_finishes(
    place: Place, file: Parsed
) -> None:
    def power_cut() -> None:
        pids = pid_of_node(stack), pid_of_postgres(stack), pid_of_postgrest(stack)
        for pid in pids:
            kill(pid)

    with started(place) as stack:
        person = sign_up(stack)
        told = bring_and(stack, person, file, "supabase", power_cut)
        assert INTERRUPTED.match(told)
        assert told.startswith("The database cannot be reached right now. Check that Tally is running")
    with started(place) as stack:
        with connect(stack) as connection:
            unfinished = connection.execute(
                "select status, rows_imported from public.imports where user_id = %s", [person.user_id]
            ).fetchall()
        assert unfinished == [("running", 0)], "the list of imports tells of it"
        finish(stack, person, file)


def test_token_that_expires_on_the_way_is_explained(healing: Stack, file: Parsed) -> None:
    person = sign_up(healing)
    database = over_http(healing, person)

    def on_progress(_done: int, _total: int, _label: str) -> None:
        database._client.postgrest.headers["Authorization"] = "Bearer " + person.token[:-8]

    begun = time.monotonic()
    with pytest.raises(SaveInterrupted, match=r"^Your session has ended\. Sign in again\. The import "):
        save_import(database, file, ImportFile("f.csv", "test", b""), on_progress)
    assert time.monotonic() - begun < 20, "the refusal was not heard while rows were still being sent"
    finish(healing, person, file)


@pytest.fixture
def tiny_disk() -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = Path(tempfile.mkdtemp(prefix="tally-test-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    try:
        if mounted.returncode:
            pytest.skip("Mounting a small file system needs root.")
        yield folder
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("transport", ["supabase", "postgres"])
def test_full_disk_is_a_sentence_and_leaves_nothing_half_written(
    healing: Stack, file: Parsed, tiny_disk: Path, transport: str
) -> None:
    person = sign_up(healing)
    with november_on(healing, tiny_disk):
        with pytest.raises(DatabaseError) as full:
            bring(healing, person, file, transport)
        assert str(full.value).startswith(
            "The database's disk is full. Free some space there, then try again; repeating is safe."
        )
        with connect(healing) as connection:
            saved, status = connection.execute(
                "select (select count(*) from public.cost_records where user_id = %(user)s),"
                " (select status from public.imports where user_id = %(user)s)",
                {"user": person.user_id},
            ).fetchone() or (None, None)
        assert saved is not None
        assert saved % BATCH == 0, "a batch is saved whole or not at all"
        assert saved < ROWS
        assert status == "failed"
        assert money_is_exact(healing, person)
    finish(healing, person, file)


@contextmanager
def november_on(stack: Stack, disk: Path) -> Iterator[None]:
    """Keep the records of November 2026 on this disk for a while."""
    owner = (stack.home.data / "17").stat()
    folder = disk / "tablespace"
    folder.mkdir()
    shutil.chown(folder, owner.st_uid, owner.st_gid)
    disk.chmod(0o755)
    with connect(stack, "supabase_admin") as connection:
        connection.execute(f"create tablespace tiny location '{folder}'")
        connection.execute("truncate private.cost_records_2026_11")
        connection.execute("alter table private.cost_records_2026_11 set tablespace tiny")
        yield
        connection.execute("alter table private.cost_records_2026_11 set tablespace pg_default")
        connection.execute("checkpoint")
        connection.execute("drop tablespace tiny")
