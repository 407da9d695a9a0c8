"""Putting the analytics engine to use, building it again, and giving it up."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from tally.analytics.client import (
    INSTALLATION,
    EngineOutdated,
    create_tables,
    drop_tables,
    explaining,
    read_facts,
    write_fact,
)
from tally.analytics.outbox import Connection, find_installation, read_value, shipping_alone
from tally.analytics.tables import TABLES, month_bounds
from tally.core.text import plural

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

ENABLE = """
insert into private.analytics_engine default values
on conflict (only_row) do nothing
returning installation"""
DISABLE = """
delete from private.analytics_engine;
delete from private.analytics_outbox;
delete from private.analytics_tasks;
delete from private.analytics_parked"""
# Transactions that began before the engine was known note nothing: they must end before any row is read.
OLDER = """
select array_agg(l.virtualtransaction)
from pg_locks as l
inner join pg_stat_activity as a on l.pid = a.pid and a.datname = current_database()
where l.locktype = 'virtualxid' and l.pid <> pg_backend_pid()"""
ARE_OPEN = """
select exists (
    select from pg_locks as l where l.locktype = 'virtualxid' and l.virtualtransaction = any (%s)
)"""
REBUILD = """
select coalesce(sum(private.rebuild_for_engine(w.id)), 0)::bigint
from public.workspaces as w
where %s::uuid is null or w.id = %s"""
ARCHIVED = "select count(*) from private.archived_parts(null, '-infinity', 'infinity')"
SHIP_MONTH = """
insert into private.analytics_tasks (workspace_id, kind, first_at, last_at)
select %(tenant)s, %(kind)s, %(first_at)s, %(last_at)s
where not exists (
    select from private.analytics_tasks as t
    where t.workspace_id = %(tenant)s and t.kind = %(kind)s and t.first_at = %(first_at)s
)"""
FORGET_WORKSPACE = """
insert into private.analytics_tasks (workspace_id, kind)
select %(tenant)s, 'workspace'
where not exists (
    select from private.analytics_tasks as t where t.workspace_id = %(tenant)s and t.kind = 'workspace'
)"""


def rebuild(connection: Connection, client: Client, replaces: bool = False) -> int:
    """Empty the engine and have everything shipped; returns the number of tasks.

    Raises EngineOutdated where the engine is another installation's, or the only one to answer questions
    about months in an archive, unless `replaces`.
    """
    with shipping_alone(connection):
        if not replaces:
            _check_owner(connection, client)
            _check_archives(connection, client)
        drop_tables(client)
        create_tables(client)
        enable(connection)
        with connection.transaction():
            connection.execute("delete from private.analytics_tasks")
            tasks = int(read_value(connection, REBUILD, [None, None]))
        write_fact(client, INSTALLATION, str(find_installation(connection)))
    return tasks


def rebuild_in_place(connection: Connection, client: Client, only: UUID | None = None) -> int:
    """Have everything, or one workspace, shipped once more over what is there; returns the number of tasks.

    What Postgres does not have is deleted in the engine.
    """
    with shipping_alone(connection), connection.transaction():
        tasks = int(read_value(connection, REBUILD, [only, only]))
        known = {row[0] for row in connection.execute("select id from public.workspaces")}
        for tenant, kind, month in _find_months(client):
            if only in (None, tenant):
                values = {"tenant": tenant, "kind": kind, **month_bounds(month)}
                query = SHIP_MONTH if tenant in known else FORGET_WORKSPACE
                tasks += connection.execute(query, values).rowcount
    return tasks


def prepare(connection: Connection, client: Client) -> None:
    """Build an engine that is nobody's, and build over it where this database is older than the engine.

    A database that was restored from a backup would give its rows versions that the engine has had.
    """
    if INSTALLATION not in read_facts(client):
        rebuild(connection, client)
        return
    _check_owner(connection, client)
    newest = find_newest(client)
    if newest > read_value(connection, "select last_value from private.analytics_version"):
        with shipping_alone(connection):  # killed in between, the next one finds the same
            rebuild_in_place(connection, client)
            connection.execute("select setval('private.analytics_version', %s)", [newest + 1])


def enable(connection: Connection) -> None:
    """Have changes noted from now on; returns when all transactions that note none have ended."""
    if connection.execute(ENABLE).fetchone() is None:
        return
    older = read_value(connection, OLDER)
    while older and read_value(connection, ARE_OPEN, [older]):
        connection.execute("select pg_sleep(0.05)")


def disable(connection: Connection) -> None:
    """Note no changes any more, and forget those that were noted."""
    with shipping_alone(connection), connection.transaction():
        connection.execute(DISABLE)


def find_newest(client: Client) -> int:
    """The greatest version in the engine."""
    with explaining():
        queries = [f"select max(version) from {table.name}" for table in TABLES]
        return max(int(str(client.command(query))) for query in queries)


def _find_months(client: Client) -> list[tuple[UUID, str, int]]:
    """Workspaces, tables and months, as 202611, in which the engine has rows."""
    query = "select distinct workspace_id, toYYYYMM({time}) from {table} final"
    with explaining():
        return [
            (tenant, table.name, month)
            for table in TABLES
            for tenant, month in client.query(query.format(time=table.time, table=table.name)).result_rows
        ]


def _check_archives(connection: Connection, client: Client) -> None:
    archived = int(read_value(connection, ARCHIVED))
    if archived and read_facts(client):
        raise EngineOutdated(
            f"The analytics engine answers questions about {plural(archived, 'archived month')}, which "
            "Postgres has not any more. Bring them back with `tally archive restore`, or run "
            "`tally analytics rebuild --replace` to do without them."
        )


def _check_owner(connection: Connection, client: Client) -> None:
    owner, installation = read_facts(client).get(INSTALLATION), find_installation(connection)
    if owner is not None and owner != str(installation):
        mine = f"this one is {installation}" if installation else "this one has used none yet"
        raise EngineOutdated(
            f"The analytics engine belongs to another Tally, {owner}; {mine}. Name another database in "
            "TALLY_CLICKHOUSE_URL, or run `tally analytics rebuild --replace` to take this one."
        )
