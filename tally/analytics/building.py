"""Putting the analytics engine to use, building it again, and giving it up."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tally.analytics import outbox
from tally.analytics.client import (
    INSTALLATION,
    EngineOutdated,
    create_tables,
    drop_tables,
    explaining,
    read_facts,
    write_fact,
)
from tally.analytics.outbox import Connection
from tally.analytics.tables import TABLES

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ENABLE = """
insert into private.analytics_engine default values
on conflict (only_row) do nothing
returning installation"""
# Transactions that began before the engine was known note nothing: their rows have to be there before any is read.
OLDER = """
select array_agg(l.virtualtransaction)
from pg_locks as l
inner join pg_stat_activity as a on l.pid = a.pid and a.datname = current_database()
where l.locktype = 'virtualxid' and l.pid <> pg_backend_pid()"""
STILL_OPEN = """
select exists (select from pg_locks as l where l.locktype = 'virtualxid' and l.virtualtransaction = any (%s))"""
WAIT = "select pg_sleep(0.05)"
REBUILD = "select coalesce(sum(private.rebuild_for_engine(w.id)), 0)::bigint from public.workspaces as w"
SHIP_MONTH = """
with month as (
    select to_timestamp(%(month)s::text || ' UTC', 'YYYYMM TZ') as first_at
)
insert into private.analytics_tasks (workspace_id, kind, first_at, last_at)
select %(tenant)s, %(kind)s, m.first_at, m.first_at + interval '1 month'
from month as m
where not exists (
    select from private.analytics_tasks as t
    where t.workspace_id = %(tenant)s and t.kind = %(kind)s and t.first_at = m.first_at
)"""


def rebuild(connection: Connection, client: Client, replaces: bool = False) -> int:
    """Empty the engine and have everything shipped; returns the number of tasks.

    Raises EngineOutdated where the engine is another installation's, unless `replaces`.
    """
    with outbox.shipping_alone(connection):
        if not replaces:
            _check_owner(connection, client)
        drop_tables(client)
        create_tables(client)
        enable(connection)
        with connection.transaction():
            connection.execute("delete from private.analytics_tasks")
            tasks = _count(connection, REBUILD)
        write_fact(client, INSTALLATION, str(outbox.find_installation(connection)))
    return tasks


def rebuild_in_place(connection: Connection, client: Client, only: UUID | None = None) -> int:
    """Have everything, or one workspace, shipped once more over what is there; what is gone is deleted."""
    with outbox.shipping_alone(connection), connection.transaction():
        if only is None:
            tasks = _count(connection, REBUILD)
        else:
            query = "select private.rebuild_for_engine(w.id) from public.workspaces as w where w.id = %s"
            tasks = _count(connection, query, only)
        known = {row[0] for row in connection.execute("select id from public.workspaces")}
        for tenant, kind, month in _find_months(client):
            if only not in (None, tenant):
                continue
            if tenant in known:
                values = {"tenant": tenant, "kind": kind, "month": str(month)}
                tasks += connection.execute(SHIP_MONTH, values).rowcount
            else:
                tasks += forget_workspace(connection, tenant)
    return tasks


def forget_workspace(connection: Connection, tenant: UUID) -> int:
    """Have a workspace deleted that Postgres does not have."""
    return connection.execute(
        "insert into private.analytics_tasks (workspace_id, kind) select %(tenant)s, 'workspace' where not exists ("
        "select from private.analytics_tasks as t where t.workspace_id = %(tenant)s and t.kind = 'workspace')",
        {"tenant": tenant},
    ).rowcount


def prepare(connection: Connection, client: Client) -> None:
    """Build an engine that is nobody's, and build over it where this database is an older one than it knows.

    A database that was restored from a backup would give its rows versions that the engine has had.
    """
    facts = read_facts(client)
    installation = outbox.find_installation(connection)
    if INSTALLATION not in facts:
        rebuild(connection, client)
        return
    if installation is None or facts[INSTALLATION] != str(installation):
        raise EngineOutdated(_whose(facts.get(INSTALLATION), installation))
    newest = find_newest(client)
    if newest > _count(connection, "select last_value from private.analytics_version"):
        connection.execute("select setval('private.analytics_version', %s)", [newest + 1])
        rebuild_in_place(connection, client)


def enable(connection: Connection) -> None:
    """Have changes noted from now on, those of transactions that are open included."""
    if connection.execute(ENABLE).fetchone() is None:
        return
    older = connection.execute(OLDER).fetchone()
    while older and older[0] and connection.execute(STILL_OPEN, [older[0]]).fetchone() == (True,):
        connection.execute(WAIT)


def disable(connection: Connection) -> None:
    """Note no changes any more, and forget those that were."""
    with outbox.shipping_alone(connection), connection.transaction():
        for table in ("engine", "outbox", "tasks", "parked"):
            connection.execute(f"delete from private.analytics_{table}".encode())


def find_newest(client: Client) -> int:
    """The greatest version in the engine."""
    with explaining():
        queries = (f"select max(version) from {table.name}" for table in TABLES)  # noqa: S608
        return max(int(str(client.command(query))) for query in queries)


def _find_months(client: Client) -> list[tuple[UUID, str, int]]:
    with explaining():
        return [
            (tenant, table.name, month)
            for table in TABLES
            for tenant, month in client.query(
                f"select distinct workspace_id, toYYYYMM({table.time}) from {table.name} final"  # noqa: S608
            ).result_rows
        ]


def _check_owner(connection: Connection, client: Client) -> None:
    owner = read_facts(client).get(INSTALLATION)
    installation = outbox.find_installation(connection)
    if owner is not None and owner != str(installation):
        raise EngineOutdated(_whose(owner, installation))


def _whose(owner: str | None, installation: UUID | None) -> str:
    mine = f"this Tally is {installation}" if installation else "this Tally has used none yet"
    return (
        f"The analytics engine belongs to another Tally ({owner}; {mine}). Name another database in "
        "TALLY_CLICKHOUSE_URL, or run `tally analytics rebuild --replace` to take this one."
    )


def _count(connection: Connection, query: str, *parameters: object) -> int:
    found = connection.execute(query, parameters or None).fetchone()
    return int(found[0]) if found and found[0] is not None else 0


