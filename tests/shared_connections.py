"""The operator's connections to a stack, each used by many tests in turn."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg

from tally.local.stack import Stack

Connection = psycopg.Connection[Any]
# Not `discard all`: it would drop prepared statements that psycopg takes for existing.
RESET = "reset session authorization; reset all; select pg_advisory_unlock_all(); discard temp"
_idle: defaultdict[str, list[Connection]] = defaultdict(list)


@contextmanager
def operator_connection(stack: Stack, autocommit: bool = False) -> Iterator[Connection]:
    """A connection as if new: a new one reads the catalog of every partition again, for 0.1 s of CPU."""
    url = stack.settings()["DATABASE_URL"]
    connection = _take(_idle[url]) or psycopg.connect(url)
    connection.autocommit = autocommit
    try:
        yield connection
        if not connection.closed:
            connection.commit()
    finally:
        if not connection.closed:
            connection.rollback()
            _idle[url].append(connection)


def _take(idle: list[Connection]) -> Connection | None:
    """An idle connection without the state of its session; None when there is none that works."""
    while idle:
        connection = idle.pop()
        with suppress(psycopg.OperationalError):
            connection.execute(RESET)
            connection.commit()
            return connection
        connection.close()
    return None
