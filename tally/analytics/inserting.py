"""Rows that are text, written into the engine as they came out of Postgres.

COPY's text format is ClickHouse's TabSeparated: rows pass through this process as they are, none is parsed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg

from tally.analytics.client import explaining
from tally.analytics.tables import Table

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

FORMAT = "TabSeparated"
NOBODY = "00000000-0000-0000-0000-000000000000"
SETTINGS = {
    "date_time_input_format": "best_effort",
    "input_format_null_as_default": 1,
    "max_partitions_per_insert_block": 0,
}


class Refused(Exception):
    """Rows that Postgres cannot read as the engine's, or that the engine refuses while it takes others."""


@contextmanager
def refusing() -> Iterator[None]:
    """Raise what Postgres says of a row, and not of the connection, as Refused."""
    try:
        yield
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        raise Refused(error.diag.message_primary or str(error)) from error


def insert_rows(client: Client, table: Table, rows: bytes) -> None:
    """Insert rows with all columns of the table; raises Refused where others are taken, else EngineDown."""
    if not rows:
        return
    from clickhouse_connect.driver.exceptions import DatabaseError, OperationalError

    with explaining():
        try:
            client.raw_insert(table.name, list(table.columns), rows, settings=SETTINGS, fmt=FORMAT)
        except OperationalError:
            raise
        except DatabaseError as error:
            if not _takes_rows(client, table):
                raise
            raise Refused(str(error).splitlines()[0]) from error


def _takes_rows(client: Client, table: Table) -> bool:
    """True if the engine takes a row that is nobody's and deleted."""
    from clickhouse_connect.driver.exceptions import DatabaseError

    values = {"trace_id": "", table.time: "2020-01-01 00:00:00"}
    row = "\t".join([*(values.get(name, NOBODY) for name in table.key), "1", "1"]) + "\n"
    columns = [*table.key, "version", "is_deleted"]
    try:
        client.raw_insert(table.name, columns, row.encode(), settings=SETTINGS, fmt=FORMAT)
    except DatabaseError:
        return False
    return True
