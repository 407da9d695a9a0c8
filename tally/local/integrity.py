"""Deep checks of the data: pages and indexes, constraints, references, and days against their records."""

from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg import sql

from tally.local.backup import database_of
from tally.local.doctor import Finding
from tally.local.home import Home

Connection = psycopg.Connection[Any]
MAX_NAMED = 3

DAMAGED = (
    "Make a copy of the folder first. Then restore your latest intact backup into an empty TALLY_HOME "
    "(`tally backup --verify FILE` checks one); a damaged index alone is mended with `reindex`."
)
BROKEN = "Restore a backup from before into an empty TALLY_HOME, or correct these rows over DATABASE_URL."
ORPHANED = "These rows are in no total. Delete them over DATABASE_URL, or restore what they refer to."
STALE = "Add the days up again: select public.refresh_cost_records_daily(true);"
UNCHECKED = (
    "This database was created without checksums, so it does not notice a bad disk. Make a backup and "
    "restore it into an empty TALLY_HOME."
)

# Pages in memory are checked as they are there; all others are read from the disk, checksums included.
RELATIONS = """
select c.oid::regclass::text, c.oid, c.relkind = 'i'
from pg_catalog.pg_class as c
inner join pg_catalog.pg_am as a on a.oid = c.relam
left join pg_catalog.pg_index as i on i.indexrelid = c.oid
where c.relpersistence = 'p'
    and ((c.relkind in ('r', 't', 'm') and a.amname = 'heap')
        or (c.relkind = 'i' and a.amname = 'btree' and i.indisvalid and i.indisready))
order by c.oid"""

CHECKS = """
select c.conrelid::regclass::text, c.conname, pg_get_expr(c.conbin, c.conrelid)
from pg_catalog.pg_constraint as c
where c.contype = 'c' and c.coninhcount = 0 and c.conrelid <> 0
    and c.connamespace::regnamespace::text in ('public', 'private', 'auth')
order by 1, 2"""

FOREIGN_KEYS = """
select c.conrelid::regclass::text, c.conname, c.confrelid::regclass::text,
    array(
        select a.attname::text from unnest(c.conkey) with ordinality as k (number, place)
        inner join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.number
        order by k.place
    ),
    array(
        select a.attname::text from unnest(c.confkey) with ordinality as k (number, place)
        inner join pg_catalog.pg_attribute as a on a.attrelid = c.confrelid and a.attnum = k.number
        order by k.place
    )
from pg_catalog.pg_constraint as c
where c.contype = 'f' and c.conparentid = 0
    and c.connamespace::regnamespace::text in ('public', 'private', 'auth')
order by 1, 2"""

# References of records are checked by triggers, not by foreign keys: table, column, referenced table.
RECORDS = ("public.cost_records", "public.superseded_records")
REFERENCES = {
    "workspace_id": "public.workspaces",
    "user_id": "auth.users",
    "provider_id": "public.providers",
    "import_id": "public.imports",
    "project_id": "public.projects",
}
NOBODY = "00000000-0000-0000-0000-000000000000"  # of people who deleted their accounts

DIFFERENT_DAYS = """
with added_up as (
    select
        r.workspace_id,
        (r.timestamp at time zone w.timezone)::date as date,
        count(*) as records,
        coalesce(sum(r.cost_usd) filter (where r.money_is_effective), 0) as cost
    from public.cost_records as r
    inner join public.workspaces as w on w.id = r.workspace_id
    group by 1, 2
), read as (
    select d.workspace_id, d.date, sum(d.record_count) as records, coalesce(sum(d.total_cost_usd), 0) as cost
    from private.current_days as d
    group by 1, 2
)
select count(*)
from added_up as a
full join read as d using (workspace_id, date)
where (a.records, a.cost) is distinct from (d.records, d.cost)
    and not exists (
        select from private.stale_days as s
        where s.workspace_id = coalesce(a.workspace_id, d.workspace_id) and s.date = coalesce(a.date, d.date)
    )"""


def examine_data(home: Home) -> list[Finding]:
    """Run every check on the home's database, which may be in use."""
    with database_of(home) as database_url, psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set statement_timeout = 0")
        return [
            _check_checksums(connection),
            _finding("pages and indexes", list(_find_damage(connection)), DAMAGED),
            _finding("constraints", list(_find_violations(connection)), BROKEN),
            _finding("references", list(_find_broken_keys(connection)), BROKEN),
            _finding("orphaned records", list(_find_orphans(connection)), ORPHANED),
            _finding("days against records", list(_find_different_days(connection)), STALE),
        ]


def _finding(name: str, problems: list[str], fix: str) -> Finding:
    if not problems:
        return Finding(name, "no problem found")
    more = f" and {len(problems) - MAX_NAMED} more" if len(problems) > MAX_NAMED else ""
    return Finding(name, "; ".join(problems[:MAX_NAMED]) + more, fix)


def _check_checksums(connection: Connection) -> Finding:
    row = connection.execute("show data_checksums").fetchone()
    if row and row[0] == "on":
        return Finding("checksums", "on")
    return Finding("checksums", "off", UNCHECKED, optional=True)


def _find_damage(connection: Connection) -> Iterator[str]:
    """Verify tables and indexes with amcheck, which leaves no trace: its transaction is rolled back."""
    relations = connection.execute(RELATIONS).fetchall()
    with connection.transaction(force_rollback=True):
        connection.execute("create schema tally_amcheck")
        connection.execute("create extension amcheck with schema tally_amcheck")
        for name, oid, is_index in relations:
            try:
                with connection.transaction():
                    problem = _verify(connection, oid, is_index)
            except psycopg.errors.UndefinedTable:
                continue  # dropped meanwhile
            except psycopg.Error as error:
                problem = error.diag.message_primary
            if problem:
                yield f"{name}: {problem}"


def _verify(connection: Connection, oid: int, is_index: bool) -> str | None:
    if is_index:
        connection.execute("select tally_amcheck.bt_index_check(%s::oid, true)", [oid])
        return None
    query = "select msg from tally_amcheck.verify_heapam(%s::oid, on_error_stop => true) limit 1"
    row = connection.execute(query, [oid]).fetchone()
    return row[0] if row else None


def _find_violations(connection: Connection) -> Iterator[str]:
    for table, name, condition in connection.execute(CHECKS).fetchall():
        query = sql.SQL("select count(*) from {} where not ({})").format(sql.SQL(table), sql.SQL(condition))
        yield from _count(connection, query, f"rows of {table} that break {name}")


def _find_broken_keys(connection: Connection) -> Iterator[str]:
    for table, name, other, columns, referenced in connection.execute(FOREIGN_KEYS).fetchall():
        pairs = zip(columns, referenced, strict=True)
        query = sql.SQL("select count(*) from {} as c where {} and not exists (select from {} as p where {})")
        yield from _count(
            connection,
            query.format(
                sql.SQL(table),
                sql.SQL(" and ").join(sql.SQL("c.{} is not null").format(sql.Identifier(c)) for c in columns),
                sql.SQL(other),
                sql.SQL(" and ").join(
                    sql.SQL("p.{} = c.{}").format(sql.Identifier(theirs), sql.Identifier(own))
                    for own, theirs in pairs
                ),
            ),
            f"rows of {table} that break {name}",
        )


def _find_orphans(connection: Connection) -> Iterator[str]:
    for table in RECORDS:
        for column, other in REFERENCES.items():
            query = sql.SQL(
                "select count(*) from {} as c where c.{} <> {} and not exists "
                "(select from {} as p where p.id = c.{})"
            ).format(
                sql.SQL(table),
                sql.Identifier(column),
                sql.Literal(NOBODY),
                sql.SQL(other),
                sql.Identifier(column),
            )
            yield from _count(connection, query, f"rows of {table} that refer to missing {other}")


def _find_different_days(connection: Connection) -> Iterator[str]:
    yield from _count(connection, sql.SQL(DIFFERENT_DAYS), "days that differ from the sum of their records")


def _count(connection: Connection, query: sql.SQL | sql.Composed, what: str) -> Iterator[str]:
    """The number of rows with what is wrong, or the reason why they cannot be read; nothing for none."""
    try:
        row = connection.execute(query).fetchone()
    except psycopg.Error as error:
        yield f"{what}: cannot be counted ({error.diag.message_primary})"
        return
    if row and row[0]:
        yield f"{what}: {row[0]:,}"
