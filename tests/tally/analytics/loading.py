"""Rows of Postgres in the engine, all of them at once."""

from itertools import count
from typing import Any

from tally.analytics.client import INSTALLATION, write_fact
from tally.analytics.tables import TABLES
from tests.database_fixtures import Connection

VERSIONS = count(1)


def load_engine(database: Connection, client: Any) -> None:
    """Put what Postgres has now into the engine, in place of what it had, as of an installation's own."""
    version = next(VERSIONS)
    for table in TABLES:
        client.command(f"truncate table {table.name}")
        query = f"copy (select e.*, {version}, 0 from private.engine_{table.name} as e) to stdout"
        with database.cursor() as cursor, cursor.copy(query.encode()) as rows:
            lines = b"".join(rows)
        if lines:
            client.raw_insert(table.name, list(table.columns), lines, fmt="TabSeparated")
    for name in ("analytics_outbox", "analytics_tasks"):
        database.execute(f"delete from private.{name}".encode())
    [[installation]] = database.execute("select installation from private.analytics_engine").fetchall()
    write_fact(client, INSTALLATION, str(installation))
