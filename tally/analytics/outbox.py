"""Keys of rows that the analytics engine has yet to be told, as Postgres keeps them; never the rows.

A key names no version: whoever ships it reads the row's present state. So a key may be taken twice, in any
order, by a program that is killed at any moment; it goes after its row arrived. Ids are no order of commits:
what is taken is listed, never counted up to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from tally.analytics.tables import RECORDS, SUPERSEDED, TABLES, TRACES, Table

Connection = psycopg.Connection[Any]

MANY_KEYS = 2_000_000  # then those of a month that has many become one task
MANY_OF_A_MONTH = 10_000
REASON_LETTERS = 500

# The column that a key is in, and the key as its type.
KEY_COLUMNS = {
    RECORDS.name: ("source_key", "k.key"),
    SUPERSEDED.name: ("id", "k.key"),
    TRACES.name: ("trace_id", "replace(k.key::text, '-', '')"),
}

LOCK = "select pg_advisory_lock(hashtextextended('tally.analytics', 0))"
UNLOCK = "select pg_advisory_unlock(hashtextextended('tally.analytics', 0))"
FIND_INSTALLATION = "select installation from private.analytics_engine"
VERSION = "select nextval('private.analytics_version')"
TAKE = """
select array_agg(o.id), array_agg(distinct o.kind)
from (select o.id, o.kind from private.analytics_outbox as o order by o.id limit %s) as o"""

# Of a row that is gone, the key alone; all else is null, which the engine reads as a default. What an archive
# has stays, and what went with its workspace is a task.
ROWS = """
select {columns}, {version}, (v.workspace_id is null)::integer
from (
    select distinct o.timestamp, o.workspace_id, o.key
    from private.analytics_outbox as o
    where o.id = any ({ids}) and o.kind = {kind}
) as k
left join lateral (
    select r.* from private.{view} as r
    where r.workspace_id = k.workspace_id and r.{time} = k.timestamp and r.{column} = {key}
    offset 0 -- one look-up after the other
) as v on true
where
    v.workspace_id is not null
    or (
        k.workspace_id in (select w.id from public.workspaces as w)
        and not private.is_archived_for_engine(k.workspace_id, k.timestamp)
    )"""

SHIPPED = """
with gone as (
    delete from private.analytics_outbox as o where o.id = any (%s)
    returning o.workspace_id, o.kind, o.timestamp, o.key
)
delete from private.analytics_parked as p
using gone as g
where p.workspace_id = g.workspace_id and p.kind = g.kind and p.timestamp = g.timestamp and p.key = g.key"""
PARK = """
with gone as (
    delete from private.analytics_outbox as o where o.id = any (%s)
    returning o.workspace_id, o.kind, o.timestamp, o.key
)
insert into private.analytics_parked (workspace_id, kind, timestamp, key, reason)
select distinct g.workspace_id, g.kind, g.timestamp, g.key, %s from gone as g
on conflict (workspace_id, kind, timestamp, key) do update set reason = excluded.reason, parked_at = now()"""
UNPARK = """
with gone as (
    delete from private.analytics_parked returning workspace_id, kind, timestamp, key
)
insert into private.analytics_outbox (timestamp, workspace_id, key, kind)
select g.timestamp, g.workspace_id, g.key, g.kind from gone as g"""
NOTE_SUCCESS = """
update private.analytics_engine set shipped_at = clock_timestamp(), problem = null, problem_at = null"""
NOTE_PROBLEM = "update private.analytics_engine set problem = left(%s, 500), problem_at = clock_timestamp()"
SPAN_OF_IDS = "select coalesce(max(id) - min(id), 0) from private.analytics_outbox"


@contextmanager
def shipping_alone(connection: Connection) -> Iterator[None]:
    """Let nobody else ship: of two readers, the later one must write the greater version."""
    connection.execute(LOCK)
    try:
        yield
    finally:
        if connection.info.transaction_status == TransactionStatus.IDLE:  # else the lock goes with it
            connection.execute(UNLOCK)


@contextmanager
def snapshot(connection: Connection) -> Iterator[int]:
    """A transaction that sees one state, with the version of all that is read in it."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read")
        connection.execute("set local enable_seqscan = off")  # a plan may be of when a month was empty
        yield int(read_value(connection, VERSION))


def find_installation(connection: Connection) -> UUID | None:
    """The id that the engine knows this installation by; None without an engine."""
    found = connection.execute(FIND_INSTALLATION).fetchone()
    return found[0] if found else None


def take_keys(connection: Connection, rows: int) -> tuple[list[int], list[Table]]:
    """Ids of keys that are due, and the tables that they are of."""
    [(ids, kinds)] = connection.execute(TAKE, [rows]).fetchall()
    return ids or [], [table for table in TABLES if table.name in (kinds or ())]


def read_rows(connection: Connection, table: Table, ids: list[int], version: int) -> bytes:
    """Rows of these keys as text, with all columns of the table."""
    column, key = KEY_COLUMNS[table.name]
    of_key = {"workspace_id": "k.workspace_id", table.time: "k.timestamp", column: key}
    names = [name for name in table.columns if name not in ("version", "is_deleted")]
    query = sql.SQL(ROWS).format(
        columns=sql.SQL(", ").join(sql.SQL(of_key.get(name, f"v.{name}")) for name in names),
        version=sql.Literal(version),
        ids=sql.Literal(ids),
        key=sql.SQL(key),
        **name_parts(table),
    )
    return copy_out(connection, query)


def finish_keys(connection: Connection, ids: list[int]) -> None:
    """Forget keys whose rows arrived."""
    with connection.transaction():
        connection.execute(SHIPPED, [ids])
        connection.execute(NOTE_SUCCESS)


def park(connection: Connection, ids: list[int], reason: str) -> None:
    """Set keys aside that cannot be shipped, with the reason."""
    connection.execute(PARK, [ids, reason[:REASON_LETTERS]])


def unpark(connection: Connection) -> int:
    """Put everything that was set aside back; returns its number."""
    return connection.execute(UNPARK).rowcount


def count_parked(connection: Connection) -> int:
    """The number of keys that are set aside."""
    return int(read_value(connection, "select count(*) from private.analytics_parked"))


def note_problem(connection: Connection, problem: str, many: int = MANY_KEYS) -> None:
    """Keep why nothing is shipped, and join what gathers meanwhile."""
    connection.execute(NOTE_PROBLEM, [problem])
    if read_value(connection, SPAN_OF_IDS) >= many:
        with shipping_alone(connection):
            connection.execute("select private.compact_outbox(%s)", [min(many, MANY_OF_A_MONTH)])


def name_parts(table: Table) -> dict[str, sql.Composable]:
    """The names of a table in the queries: its view, its time, its key, its kind."""
    return {
        "view": sql.Identifier(f"engine_{table.name}"),
        "time": sql.Identifier(table.time),
        "column": sql.Identifier(KEY_COLUMNS[table.name][0]),
        "kind": sql.Literal(table.name),
    }


def copy_out(connection: Connection, query: sql.Composable) -> bytes:
    """The rows of a query as text."""
    with connection.cursor().copy(sql.SQL("copy ({}) to stdout").format(query)) as copy:
        return b"".join(map(bytes, copy))


def read_value(connection: Connection, query: str, parameters: list[Any] | None = None) -> Any:
    """The only value of a query."""
    [(value,)] = connection.execute(query, parameters).fetchall()
    return value
