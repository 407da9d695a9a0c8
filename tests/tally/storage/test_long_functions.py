"""Changes of large sources outlast the limit of the API (8 s); saves that wait for them are repeated."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import stamina

from tally.core.records import CostRecord, identity
from tally.ledger.save import Saved, save_batch, save_records
from tally.local.stack import Stack
from tally.storage.database import Database, DatabaseError, Query, Unreachable, describe
from tally.storage.postgrest import LONG_FUNCTIONS, LONG_TIMEOUT_SECONDS
from tests.shared_connections import operator_connection
from tests.tally.people import Person, over_http, sign_up

API_LIMIT_SECONDS = 8


@pytest.fixture
def person(stack: Stack) -> Person:
    return sign_up(stack)


@pytest.fixture
def database(stack: Stack, person: Person) -> Database:
    return over_http(stack, person)


@pytest.fixture
def source(database: Database) -> str:
    """A source with one record."""
    row = {"kind": "machine", "filename": "laptop", "format": "claude-code", "status": "done"}
    source = str(database.insert("imports", row)["id"])
    save_records(database, [record(0)], source)
    return source


def record(number: int) -> CostRecord:
    at = datetime(2026, 11, 2, 12, tzinfo=UTC)
    return CostRecord("openai", at, "gpt-5.5", Decimal(1), identity("long", number))


def count_records(database: Database) -> int:
    return len(database.select(Query("cost_records", "id", ["id"])))


@contextmanager
def long_change(stack: Stack, person: Person) -> Iterator[None]:
    """Another change of the account's sources that takes until the end of the block."""
    with operator_connection(stack) as connection, connection.transaction():
        connection.execute("select pg_advisory_xact_lock(private.save_lock(%s))", [person.user_id])
        yield


def test_long_function_outlasts_the_limit_of_the_api_and_saves_wait_for_it(
    stack: Stack, person: Person, database: Database, source: str
) -> None:
    with ThreadPoolExecutor(2) as pool:
        with long_change(stack, person):
            started = time.monotonic()
            change = pool.submit(database.call, "set_source_enabled", import_id=source, is_enabled=False)
            saved: Future[Saved] = pool.submit(save_batch, database, [record(1)], None)
            time.sleep(API_LIMIT_SECONDS + 0.7)
            assert not change.done()
            assert not saved.done()
        change.result(60)
        assert time.monotonic() - started > API_LIMIT_SECONDS
        assert saved.result(60).inserted == 1
    (row,) = database.select(Query("imports", "is_enabled", ["id"], {"id": source}))
    assert row == {"is_enabled": False}
    assert count_records(database) == 1


@pytest.fixture
def impatient(stack: Stack) -> Iterator[None]:
    """Saves that wait less long, and are not repeated."""
    save = "alter function public.save_cost_records(uuid, json, uuid) set lock_timeout = '{}'"
    with operator_connection(stack, autocommit=True) as connection, stamina.set_testing(True, attempts=1):
        connection.execute(save.format("300ms"))
        yield
        connection.execute(save.format("6s"))


@pytest.mark.usefixtures("impatient")
def test_save_behind_a_long_change_is_told_to_wait_and_can_be_repeated(
    stack: Stack, person: Person, database: Database, source: str
) -> None:
    with long_change(stack, person), pytest.raises(Unreachable, match="too busy right now"):
        save_batch(database, [record(1)], source)
    assert count_records(database) == 1
    assert save_batch(database, [record(1)], source).inserted == 1
    assert count_records(database) == 2


def test_client_waits_longer_than_functions_with_a_limit_of_their_own(stack: Stack) -> None:
    """A function with its own statement_timeout belongs to LONG_FUNCTIONS."""
    query = """
        select p.proname, split_part(c.setting, '=', 2)::interval < make_interval(secs => %s)
        from pg_proc as p
        cross join unnest(p.proconfig) as c (setting)
        where p.pronamespace = 'public'::regnamespace and c.setting like 'statement_timeout=%%'"""
    with operator_connection(stack) as connection:
        found = connection.execute(query, [LONG_TIMEOUT_SECONDS]).fetchall()
    assert {name for name, _ in found} == LONG_FUNCTIONS
    assert all(is_shorter for _, is_shorter in found)


def test_deleted_source_is_deleted_again_without_an_error(database: Database, source: str) -> None:
    assert database.call("delete_source", import_id=source) is True
    assert database.call("delete_source", import_id=source) is False
    assert count_records(database) == 0


def test_timeout_names_a_way_out() -> None:
    assert isinstance(describe("57014", "canceling statement due to statement timeout"), DatabaseError)
    assert "Wait a moment, then try again" in str(describe("57014", ""))
