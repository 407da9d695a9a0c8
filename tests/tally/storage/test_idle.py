"""Transactions that nobody goes on with are ended, so that they hold back no folds."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from uuid import UUID

import psycopg
import pytest

from forecasting.jobs.connections import task_connection
from forecasting.jobs.queue import open_queue
from forecasting.nightly import database as nightly_database
from tally.core.errors import TallyError
from tally.storage.postgres import connect_operator
from tests.database_fixtures import Connection, Project, wait_for_lock
from tests.supabase.parts import eventually

BEGIN = "begin; select pg_current_xact_id(); select pg_advisory_xact_lock(1)"
MARK = "select private.mark_days(%s, array[date '2026-05-01'])"
FOLD = "select public.fold_stale_days()"
LIMIT = "select current_setting('idle_in_transaction_session_timeout')"

Connect = Callable[[str], AbstractContextManager[psycopg.Connection]]


@contextmanager
def of_cli(url: str) -> Iterator[Connection]:
    """The connection of commands."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DATABASE_URL", url)
        for name in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY"):  # it needs them, and does not use them
            environment.setenv(name, "http://127.0.0.1:9")
        with connect_operator() as connection:
            yield connection


@contextmanager
def of_task(url: str) -> Iterator[Connection]:
    """The connection of the worker's tasks."""
    with task_connection(url, "tally test") as connection:
        yield connection


@pytest.mark.parametrize("connect", [of_cli, of_task, nightly_database.connect])
def test_transaction_that_is_left_alone_holds_back_folds_only_for_a_while(
    project: Project, database: Connection, user: UUID, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tally.storage.idle.IDLE_SECONDS", 0.2)
    database.execute("select pg_advisory_lock(1)")
    is_folded = False
    with suppress(psycopg.Error, TallyError), connect(project.cluster.url(project.name)) as left:
        with ThreadPoolExecutor(1) as pool:
            begun = pool.submit(left.execute, BEGIN)
            wait_for_lock(database, left)  # as long as it works, it is not left alone
            database.execute(MARK, [user])
            assert database.execute(FOLD).fetchone() == (0,)
            database.execute("select pg_advisory_unlock(1)")
            begun.result()
        eventually(lambda: database.execute(FOLD).fetchone() == (1,))
        is_folded = True
        left.execute("commit")
        pytest.fail("The transaction went on.")
    assert is_folded


def test_the_queue_leaves_no_transaction_alone(project: Project) -> None:
    async def ask() -> str:
        async with open_queue(project.cluster.url(project.name)) as queue:
            row = await queue.connector.execute_query_one_async(f"{LIMIT} as limit")
        return str(row["limit"])

    assert asyncio.run(ask()) == "5min"


def test_the_data_api_leaves_no_transaction_alone(project: Project, user: UUID) -> None:
    with project.act_as("authenticated", user) as connection:
        assert connection.execute(LIMIT).fetchone() == ("1min",)
