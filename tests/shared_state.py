"""The role of the dashboard's shared state, for tests of several processes."""

from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

PASSWORD = "shared-state"  # of a database for tests


def allow_login(database: psycopg.Connection[Any]) -> None:
    """Let tally_web log in, as an operator does."""
    with database.transaction():
        # Tests share a server, and two may not change its roles at once.
        database.execute("select pg_advisory_xact_lock(hashtextextended('tally_web', 0))")
        database.execute(f"alter role tally_web login password '{PASSWORD}'".encode())


def web_database_url(database_url: str) -> str:
    """The address for tally_web, by the operator's address."""
    with psycopg.connect(database_url, autocommit=True) as database:
        allow_login(database)
    parts = conninfo_to_dict(database_url)
    return f"postgresql://tally_web:{PASSWORD}@{parts['host']}:{parts['port']}/{parts['dbname']}"
