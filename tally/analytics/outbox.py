"""What the analytics engine has yet to be told, as Postgres keeps it: keys, and tasks that are many keys.

A key names no version: whoever ships it reads the row's present state. So a key may be taken twice, in any
order, by a program that is killed at any moment; it goes after its row arrived. Ids are no order of commits:
what is taken is listed, never counted up to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from tally.analytics.tables import RECORDS, SUPERSEDED, TRACES, Table

Connection = psycopg.Connection[Any]

MANY_KEYS = 2_000_000  # then those of a month that has many become one task
MANY_OF_A_MONTH = 10_000
REASON_LETTERS = 500

# The column of a key, and what it is compared with.
KEY_COLUMNS = {
    RECORDS.name: ("source_key", "k.key"),
    SUPERSEDED.name: ("id", "k.key"),
    TRACES.name: ("trace_id", "replace(k.key::text, '-', '')"),
}

LOCK = "select pg_advisory_lock(hashtextextended('tally.analytics', 0))"
UNLOCK = "select pg_advisory_unlock(hashtextextended('tally.analytics', 0))"
FIND_INSTALLATION = "select installation from private.analytics_engine"
VERSION = "select nextval('private.analytics_version')"
TAKE = "select array(select o.id from private.analytics_outbox as o order by o.id limit %s)"
TAKEN_TASK = """
select id, workspace_id, kind, subject, first_at, last_at,
    first_at is not null and (
        private.is_archived_for_engine(workspace_id, first_at)
        or not exists (select from public.workspaces as w where w.id = t.workspace_id)
    )
from private.analytics_tasks as t
order by first_at is not null, id
limit 1"""

KEYS = """
(
    select distinct o.timestamp, o.workspace_id, o.key
    from private.analytics_outbox as o
    where o.id = any ({ids}) and o.kind = {kind}
) as k"""
ROW = """
select v.*, {version}, 0
from {keys}
cross join lateral (
    select r.* from private.{view} as r
    where r.workspace_id = k.workspace_id and r.{time} = k.timestamp and r.{column} = {key}
    offset 0 -- one look-up after the other
) as v"""
# What a workspace has no more. Without the workspace there is a task for all of it.
GONE = """
select k.workspace_id, k.timestamp, {key}, {version}, 1
from {keys}
where
    not exists (
        select from private.{view} as r
        where r.workspace_id = k.workspace_id and r.{time} = k.timestamp and r.{column} = {key}
    )
    and k.workspace_id in (select w.id from public.workspaces as w)
    and not private.is_archived_for_engine(k.workspace_id, k.timestamp)"""
RANGE = """
select r.*, {version}, 0
from private.{view} as r
where r.workspace_id = {tenant} and r.{time} >= {first_at} and r.{time} < {last_at}"""
NEXT_TIME = """
select r.{time}
from private.{view} as r
where r.workspace_id = {tenant} and r.{time} >= {first_at} and r.{time} < {last_at}
order by r.{time}
offset {rows} limit 1"""
KEYS_OF_RANGE = """
insert into private.analytics_outbox (timestamp, workspace_id, key, kind)
select r.{time}, r.workspace_id, r.{column}::uuid, {kind}
from private.{view} as r
where r.workspace_id = {tenant} and r.{time} >= {first_at} and r.{time} < {last_at}"""

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


@dataclass(frozen=True, slots=True)
class Task:
    """Many keys at once: a stretch of time, or all of a workspace, of a source or of a person that was deleted."""

    id: int
    workspace_id: UUID
    kind: str
    subject: UUID | None
    first_at: datetime | None
    last_at: datetime | None
    is_void: bool  # it is archived, or its workspace was deleted


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
        yield int(_value(connection, VERSION))


def find_installation(connection: Connection) -> UUID | None:
    """The id that the engine knows this installation by; None without an engine."""
    found = connection.execute(FIND_INSTALLATION).fetchone()
    return found[0] if found else None


def take_keys(connection: Connection, rows: int) -> list[int]:
    """Ids of keys that are due."""
    return list(_value(connection, TAKE, [rows]))


def take_task(connection: Connection) -> Task | None:
    """The next task; deletions come first."""
    found = connection.execute(TAKEN_TASK).fetchone()
    return Task(*found) if found else None


def read_rows(connection: Connection, table: Table, ids: list[int], version: int) -> bytes:
    """Rows of these keys as text, with all columns of the table."""
    return _copy(connection, ROW, _names(table, ids=ids, version=version))


def read_gone(connection: Connection, table: Table, ids: list[int], version: int) -> bytes:
    """Those of these keys that have no row any more: key, version and a one."""
    return _copy(connection, GONE, _names(table, ids=ids, version=version))


def read_range(connection: Connection, table: Table, task: Task, until: datetime, version: int) -> bytes:
    """Rows of the first part of a stretch as text, with all columns of the table."""
    return _copy(connection, RANGE, _names(table, task=task, last_at=until, version=version))


def find_end(connection: Connection, table: Table, task: Task, rows: int) -> datetime:
    """The end of the first part of a stretch: of about so many rows, with all of an instant."""
    named = _names(table, task=task, last_at=task.last_at, rows=rows)
    found = connection.execute(sql.SQL(NEXT_TIME).format(**named)).fetchone()
    if found is None or task.first_at is None or task.last_at is None:
        assert task.last_at is not None
        return task.last_at
    at: datetime = found[0]
    if at > task.first_at:
        return at
    query = "select least(%s + interval '1 microsecond', %s)"
    end: datetime = _value(connection, query, [at, task.last_at])
    return end


def note_keys(connection: Connection, table: Table, task: Task, until: datetime) -> None:
    """Let the rows of the first part of a stretch be shipped by their keys, so that only bad ones stay."""
    named = _names(table, task=task, last_at=until)
    connection.execute(sql.SQL(KEYS_OF_RANGE).format(**named))


def finish_keys(connection: Connection, ids: list[int]) -> None:
    """Forget keys whose rows arrived."""
    with connection.transaction():
        connection.execute(SHIPPED, [ids])
        connection.execute(NOTE_SUCCESS)


def finish_task(connection: Connection, task: Task, until: datetime | None) -> None:
    """Forget a task, or the part of its stretch that arrived."""
    with connection.transaction():
        if until is None or until == task.last_at:
            connection.execute("delete from private.analytics_tasks where id = %s", [task.id])
        else:
            connection.execute(
                "update private.analytics_tasks set first_at = %s where id = %s", [until, task.id]
            )
        connection.execute(NOTE_SUCCESS)


def park(connection: Connection, ids: list[int], reason: str) -> None:
    """Set keys aside that cannot be shipped, with the reason."""
    connection.execute(PARK, [ids, reason[:REASON_LETTERS]])


def unpark(connection: Connection) -> int:
    """Put everything that was set aside back; returns its number."""
    return connection.execute(UNPARK).rowcount


def note_problem(connection: Connection, problem: str) -> None:
    """Keep why nothing is shipped, and join what gathers meanwhile."""
    connection.execute(NOTE_PROBLEM, [problem])
    query = "select coalesce(max(id) - min(id), 0) from private.analytics_outbox"
    if _value(connection, query) >= MANY_KEYS:
        with shipping_alone(connection):
            connection.execute("select private.compact_outbox(%s)", [MANY_OF_A_MONTH])


def _names(table: Table, **values: object) -> dict[str, sql.Composable]:
    """The parts of the queries above: names are our own, values become literals."""
    column, key = KEY_COLUMNS[table.name]
    task = values.pop("task", None)
    if isinstance(task, Task):
        values |= {"tenant": task.workspace_id, "first_at": task.first_at}
    named: dict[str, sql.Composable] = {name: sql.Literal(value) for name, value in values.items()}
    named |= {
        "view": sql.Identifier(f"engine_{table.name}"),
        "time": sql.Identifier(table.time),
        "column": sql.Identifier(column),
        "key": sql.SQL(key),
        "kind": sql.Literal(table.name),
    }
    if "ids" in named:
        named["keys"] = sql.SQL(KEYS).format(ids=named["ids"], kind=named["kind"])
    return named


def _copy(connection: Connection, query: str, named: dict[str, sql.Composable]) -> bytes:
    rows = sql.SQL("copy ({}) to stdout").format(sql.SQL(query).format(**named))
    with connection.cursor().copy(rows) as copy:
        return b"".join(map(bytes, copy))


def _value(connection: Connection, query: str, parameters: list[Any] | None = None) -> Any:
    found = connection.execute(query, parameters).fetchone()
    assert found is not None
    return found[0]
