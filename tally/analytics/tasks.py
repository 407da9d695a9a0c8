"""Tasks, each one row for many keys: a stretch of time; a workspace, a source or an account that is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from psycopg import sql

from tally.analytics.client import explaining
from tally.analytics.inserting import NOBODY, Refused, insert_rows, refusing
from tally.analytics.outbox import NOTE_SUCCESS, Connection, copy_out, name_parts, snapshot
from tally.analytics.tables import RECORDS, SUPERSEDED, TABLES, Table

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

TABLE_OF = {table.name: table for table in TABLES}

# Deletions come first. A stretch that went with its workspace is left alone.
NEXT_TASK = """
select id, workspace_id, kind, coalesce(subject, workspace_id),
    coalesce(first_at, 'epoch'), coalesce(last_at, 'epoch'),
    first_at is not null and not exists (select from public.workspaces as w where w.id = t.workspace_id)
from private.analytics_tasks as t
order by first_at is not null, id
limit 1"""
# Where a part of so many rows ends: before the instant of the next row, or after it if it is the first.
END_OF_PART = """
select case when n.at > {first_at} then n.at else least(n.at + interval '1 microsecond', {last_at}) end
from (
    select r.{time} as at
    from private.{view} as r
    where r.workspace_id = {tenant} and r.{time} >= {first_at} and r.{time} < {last_at}
    order by r.{time}
    offset {rows} limit 1
) as n"""
ROWS = """
select r.*, {version}, 0
from private.{view} as r
where r.workspace_id = {tenant} and r.{time} >= {first_at} and r.{time} < {last_at}"""
ARCHIVED = """
select p.part_first_at, p.part_last_at
from private.archived_parts({tenant}, {first_at}, {last_at}) as p"""
NOTE_KEYS = """
insert into private.analytics_outbox (timestamp, workspace_id, key, kind)
select r.{time}, r.workspace_id, r.{column}::uuid, {kind}
from private.{view} as r
where r.workspace_id = {tenant} and r.{time} >= {first_at} and r.{time} < {last_at}"""

# In the engine: rows that are older than what was just shipped are of what Postgres does not have.
DELETE_OLDER = (
    "insert into {table} ({keys}, version, is_deleted) select {keys}, {{version:UInt64}}, 1 "
    "from {table} final where workspace_id = {{tenant:UUID}} and version < {{version:UInt64}} and {condition}"
)
IN_STRETCH = (
    "{time} >= toDateTime64({{first_at:String}}, 6, 'UTC') "
    "and {time} < toDateTime64({{last_at:String}}, 6, 'UTC')"
)
DISOWN = (  # a plain `user_id` would be the new one
    "insert into {table} select * replace ({{nobody:UUID}} as user_id, {{version:UInt64}} as version) "
    "from {table} as t final where t.user_id = {{person:UUID}} and t.version < {{version:UInt64}}"
)
FORGET_WORKSPACE = (
    "delete from {table} where workspace_id = {{tenant:UUID}}",
    "alter table {table} apply deleted mask",
)


@dataclass(frozen=True, slots=True)
class Task:
    """A task; `subject` is the source or account that is gone, and only stretches have times."""

    id: int
    workspace_id: UUID
    kind: str
    subject: UUID
    first_at: datetime
    last_at: datetime
    is_void: bool

    def name_parts(self, **values: object) -> dict[str, sql.Composable]:
        """Its workspace and times in the queries."""
        named = {"tenant": self.workspace_id, "first_at": self.first_at, "last_at": self.last_at} | values
        return {name: sql.Literal(value) for name, value in named.items()}


def do_next_task(connection: Connection, client: Client, rows: int) -> bool:
    """Do a task, of a stretch the first part, of about so many rows; False if there is none."""
    found = connection.execute(NEXT_TASK).fetchone()
    if found is None:
        return False
    task = Task(*found)
    if task.kind in TABLE_OF:
        until = task.last_at if task.is_void else _ship_part(connection, client, task, rows)
        _finish(connection, task, until)
        return True
    _forget(connection, client, task)
    _finish(connection, task, task.last_at)
    return True


def _finish(connection: Connection, task: Task, until: datetime) -> None:
    with connection.transaction():
        if until < task.last_at:
            query = "update private.analytics_tasks set first_at = %s where id = %s"
            connection.execute(query, [until, task.id])
        else:
            connection.execute("delete from private.analytics_tasks where id = %s", [task.id])
        connection.execute(NOTE_SUCCESS)


def _ship_part(connection: Connection, client: Client, task: Task, rows: int) -> datetime:
    """Ship the first part of a stretch; what the engine has in it besides is deleted, archives apart.

    Where a row of it is refused, all are noted as keys: then only that row stays behind.
    """
    table = TABLE_OF[task.kind]
    named = name_parts(table)
    query = sql.SQL(END_OF_PART).format(**named, **task.name_parts(rows=rows))
    found = connection.execute(query).fetchone()
    until: datetime = found[0] if found else task.last_at
    try:
        with refusing(), snapshot(connection) as version:
            query = sql.SQL(ROWS).format(**named, **task.name_parts(last_at=until, version=version))
            text = copy_out(connection, query)
            query = sql.SQL(ARCHIVED).format(**task.name_parts(last_at=until))
            archived = connection.execute(query).fetchall()
        insert_rows(client, table, text)
    except Refused:
        connection.execute(sql.SQL(NOTE_KEYS).format(**named, **task.name_parts(last_at=until)))
        return until
    values = {"tenant": task.workspace_id, "version": version}
    values |= {"first_at": _text(task.first_at), "last_at": _text(until)}
    condition = IN_STRETCH.format(time=table.time)
    for nth, (first_at, last_at) in enumerate(archived):  # what the engine has of it stays
        values |= {f"first_at_{nth}": _text(first_at), f"last_at_{nth}": _text(last_at)}
        part = IN_STRETCH.replace("_at:", f"_at_{nth}:").format(time=table.time)
        condition += f" and not ({part})"
    _delete_older(client, table, condition, values)
    return until


def _forget(connection: Connection, client: Client, task: Task) -> None:
    """Do what a deletion asks for."""
    with snapshot(connection) as version:  # which sees the deletion
        values = {"tenant": task.workspace_id, "version": version}
    if task.kind == "source":
        for table in (RECORDS, SUPERSEDED):
            _delete_older(client, table, "import_id = {source:UUID}", values | {"source": task.subject})
        return
    if task.kind == "person":
        for table in TABLES:
            person = {"person": task.subject, "nobody": NOBODY, "version": version}
            _command(client, DISOWN.format(table=table.name), person)
        return
    for table in TABLES:
        for command in FORGET_WORKSPACE:
            _command(client, command.format(table=table.name), {"tenant": task.workspace_id})
    connection.execute("delete from private.analytics_parked where workspace_id = %s", [task.workspace_id])


def _delete_older(client: Client, table: Table, condition: str, values: dict[str, Any]) -> None:
    """Mark rows as deleted; what took their place since has a greater version, or is yet to be shipped."""
    keys = ", ".join(table.key)
    _command(client, DELETE_OLDER.format(table=table.name, keys=keys, condition=condition), values)


def _command(client: Client, text: str, values: dict[str, Any]) -> None:
    with explaining():
        client.command(text, {name: str(value) for name, value in values.items()})


def _text(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
