"""The connection of a task: one of its own, since tasks run at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from forecasting.nightly import database
from tally.storage.idle import end_idle_transactions


@contextmanager
def task_connection(database_url: str, application_name: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect in autocommit mode. A forgotten lock fails a task, which would keep the next ones waiting."""
    with psycopg.connect(
        database_url, application_name=application_name, autocommit=True, connect_timeout=5
    ) as connection:
        connection.execute("select set_config('lock_timeout', %s, false)", [f"{database.LOCK_SECONDS}s"])
        end_idle_transactions(connection)
        yield connection
