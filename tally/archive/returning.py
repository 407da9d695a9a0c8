"""An archive comes back into Postgres, in one transaction."""

import hashlib
from typing import Any

import psycopg
from psycopg import sql

from tally.archive.columns import ORDERS, TABLES, load_columns
from tally.archive.connection import Connection
from tally.archive.manifest import MANIFEST, ArchivedTable, Manifest, parse_manifest
from tally.archive.parquet_files import hash_file, read_batches, sum_days, to_csv
from tally.archive.problems import ArchiveProblem
from tally.archive.storage import Storage
from tally.archive.stretch import Archive
from tally.core.progress import Progress, ignore_progress

ASK = "Bring {} back from a copy of the storage."
LOCKS = """
select
    pg_advisory_xact_lock_shared(private.timezone_lock(%(workspace)s)),
    pg_advisory_xact_lock(private.save_lock(%(workspace)s)),
    pg_advisory_xact_lock(private.billing_lock(%(workspace)s))"""
# What was deleted meanwhile: sources take their records along, accounts and subscriptions leave them.
FORGET = """
delete from arriving as r
where r.import_id is not null and not exists (select from public.imports as i where i.id = r.import_id)"""
NOBODYS = """
update arriving as r
set user_id = '00000000-0000-0000-0000-000000000000'
where r.user_id <> '00000000-0000-0000-0000-000000000000'
    and not exists (select from auth.users as u where u.id = r.user_id)"""
UNFILED = """
update arriving as r
set project_id = null, project_chosen_by = null
where r.project_id is not null and not exists (select from public.projects as p where p.id = r.project_id)"""
UNPLANNED = """
update arriving as r
set subscription_id = null
where r.subscription_id is not null
    and not exists (select from public.subscriptions as s where s.id = r.subscription_id)"""
INSERT = "insert into public.{table} ({columns}) select {columns} from arriving order by {order}"


def check_archive(storage: Storage, archive: Archive) -> Manifest:
    """Read all of an archive and compare it with its manifest; raises ArchiveProblem with what is wrong."""
    manifest = read_manifest(storage, archive)
    for table in manifest.tables.values():
        _check_file(storage, archive, table)
    return manifest


def read_manifest(storage: Storage, archive: Archive) -> Manifest:
    """The manifest of an archive, as it was written."""
    content = storage.read(f"{archive.folder}/{MANIFEST}")
    if content is None:
        raise ArchiveProblem(f"The manifest of {archive.stretch} is missing. {ASK.format(archive.folder)}")
    if hashlib.sha256(content).hexdigest() != archive.manifest_sha256:
        raise ArchiveProblem(f"The manifest of {archive.stretch} was changed. {ASK.format(archive.folder)}")
    return parse_manifest(content)


def _check_file(storage: Storage, archive: Archive, table: ArchivedTable) -> None:
    path = f"{archive.folder}/{table.file}"
    if hash_file(storage, path) != (table.bytes, table.sha256):
        raise ArchiveProblem(
            f"{path} was changed: its checksum differs. Bring it back from a copy of the storage."
        )
    if sum_days(storage, path) != table.days:
        raise ArchiveProblem(f"{path} has other sums than its manifest. Please report this.")


def restore_archive(
    connection: Connection, storage: Storage, archive: Archive, progress: Progress = ignore_progress
) -> Manifest:
    """Bring an archive back; the caller holds the workspace's archive lock. Raises ArchiveProblem."""
    manifest = check_archive(storage, archive)
    made = "select public.ensure_months(array[%s::date])"
    connection.execute(made, [archive.stretch.first_day])
    try:
        with connection.transaction():
            _bring_back(connection, storage, archive, manifest, progress)
    except psycopg.errors.CheckViolation as refused:
        raise ArchiveProblem(
            f"{archive.stretch} could not be restored, and nothing changed: {refused.diag.message_primary}."
        ) from None
    return manifest


def _bring_back(
    connection: Connection, storage: Storage, archive: Archive, manifest: Manifest, progress: Progress
) -> None:
    connection.execute("set local work_mem = '64MB'")
    connection.execute(LOCKS, {"workspace": archive.workspace_id})
    state = connection.execute(
        "select a.state from private.archives as a where a.id = %s for update", [archive.id]
    ).fetchone()
    if state != ("archived",):
        raise ArchiveProblem(f"{archive.stretch} is not archived any more.")
    done, total = 0, sum(table.rows for table in manifest.tables.values())
    connection.execute("select set_config('tally.archiving', 'on', true)")
    for name in TABLES:
        table = manifest.tables[name]
        _load(
            connection,
            storage,
            archive,
            table,
            lambda rows, before=done: progress(before + rows, total, "rows"),
        )
        done += table.rows
        _insert(connection, name, table)
    connection.execute("select set_config('tally.archiving', '', true)")
    connection.execute("select private.finish_return(%s)", [archive.id])


def _load(
    connection: Connection, storage: Storage, archive: Archive, table: ArchivedTable, on_rows: Any
) -> None:
    """Copy a file into the table `arriving`, without what was deleted meanwhile."""
    name = table.file.removesuffix(".parquet")
    columns = load_columns(connection, name)
    unknown = sorted(table.columns.keys() - columns.types.keys())
    if unknown:
        raise ArchiveProblem(
            f"{archive.stretch} has columns of a newer Tally: {', '.join(unknown)}. Update Tally."
        )
    connection.execute("drop table if exists pg_temp.arriving")
    names = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    made = "create temp table arriving on commit drop as select {} from public.{} with no data"
    connection.execute(sql.SQL(made).format(names, sql.Identifier(name)))
    rows = 0
    query = sql.SQL("copy arriving ({}) from stdin (format csv)").format(names)
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for batch in read_batches(storage, f"{archive.folder}/{table.file}"):
            copy.write(to_csv(batch))
            rows += batch.num_rows
            on_rows(rows)
    for change in (FORGET, NOBODYS, UNFILED, UNPLANNED):
        connection.execute(change)


def _insert(connection: Connection, name: str, table: ArchivedTable) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    order = sql.SQL(", ").join(map(sql.Identifier, ORDERS[name]))
    connection.execute(sql.SQL(INSERT).format(table=sql.Identifier(name), columns=columns, order=order))
