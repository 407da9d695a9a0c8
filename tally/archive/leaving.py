"""A stretch of days leaves Postgres: files, then a manifest, then its rows go in one transaction."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from typing import Literal
from uuid import UUID

import psycopg
from psycopg import sql

from tally.archive.columns import ORDERS, TABLES, Columns, load_columns
from tally.archive.connection import Connection
from tally.archive.manifest import MANIFEST, ArchivedTable, DaySums, Manifest, parse_manifest
from tally.archive.parquet_files import hash_file, sum_days, write_rows
from tally.archive.problems import ArchiveProblem
from tally.archive.stretch import Stretch, folder_of
from tally.core.progress import Progress, ignore_progress
from tally.storage.objects import StorageProblem, Store

TRIES = 3
Reason = Literal["setting", "command"]

SUMS = """
select (r.timestamp at time zone 'UTC')::date, count(*), coalesce(sum(r.cost_usd), 0), sum(r.tokens_used),
    sum(r.request_count)
from public.{table} as r
where r.workspace_id = %s and r.timestamp >= %s and r.timestamp < %s
group by 1"""
ROWS = """
copy (
    select {columns} from public.{table}
    where workspace_id = %s and timestamp >= %s and timestamp < %s
    order by {order}
) to stdout (format csv)"""
ZONE = "select w.timezone from public.workspaces as w where w.id = %s"
VERSION = "select coalesce(s.version, '') from private.schema_state() as s"


class RecordsChanged(ArchiveProblem):
    """Records of the stretch changed while their files were written."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """A stretch of a workspace on its way; `progress` is told of rows."""

    connection: Connection  # in autocommit
    storage: Store
    workspace_id: UUID
    stretch: Stretch
    progress: Progress = ignore_progress

    @property
    def key(self) -> tuple[UUID, datetime, datetime]:
        """The workspace, and the instants of the stretch."""
        return (self.workspace_id, *self.stretch.instants)


def archive_stretch(leaving: Leaving, reason: Reason) -> Manifest:
    """Archive a stretch; the caller holds the workspace's archive lock. Raises ArchiveProblem."""
    for _ in range(TRIES):
        try:
            return _attempt(leaving, reason)
        except RecordsChanged as changed:
            problem = changed
    raise problem


def _attempt(leaving: Leaving, reason: Reason) -> Manifest:
    connection, storage, stretch = leaving.connection, leaving.storage, leaving.stretch
    archive_id = _begin(leaving, reason)
    folder = folder_of(leaving.workspace_id, stretch, archive_id)
    try:
        manifest, fingerprint = _write_files(leaving, archive_id, folder)
        content = manifest.model_dump_json(indent=1).encode()
        storage.write(f"{folder}/{MANIFEST}", content)
        if storage.read(f"{folder}/{MANIFEST}") != content:
            raise ArchiveProblem("The storage of the archive returns other bytes than were written to it.")
        parse_manifest(content)
        given = [archive_id, fingerprint, manifest.bytes, hashlib.sha256(content).hexdigest()]
        with connection.transaction():
            connection.execute("set local work_mem = '64MB'")
            connection.execute("select private.finish_archive(%s, %s, %s, %s)", given)
    except psycopg.errors.SerializationFailure:
        _give_up(leaving, archive_id, folder, None)
        raise RecordsChanged(
            f"Records of {stretch} are being changed. Nothing was archived; the next run tries again."
        ) from None
    except psycopg.errors.LockNotAvailable:
        in_use = ArchiveProblem(f"Records of {stretch} are in use. Nothing was archived; try again later.")
        _give_up(leaving, archive_id, folder, in_use)
        raise in_use from None
    except (StorageProblem, psycopg.Error) as problem:
        _give_up(leaving, archive_id, folder, problem)
        raise
    return manifest


def _begin(leaving: Leaving, reason: Reason) -> UUID:
    stretch = leaving.stretch
    given = [leaving.workspace_id, stretch.first_day, stretch.end_day, reason]
    try:
        [[archive_id]] = leaving.connection.execute(
            "select private.begin_archive(%s, %s, %s, %s)", given
        ).fetchall()
    except psycopg.errors.InvalidParameterValue as refused:
        raise ArchiveProblem(refused.diag.message_primary or "It cannot be archived.") from None
    return UUID(str(archive_id))


def _give_up(leaving: Leaving, archive_id: UUID, folder: str, problem: Exception | None) -> None:
    """Delete the files of an attempt; what cannot be deleted stays in the list for the next run."""
    connection = leaving.connection
    if connection.closed:
        return
    try:
        leaving.storage.delete_folder(folder)
    except StorageProblem:
        note = (
            "update private.archives as a set problem = left(%s, 500) where a.id = %s and a.state = 'writing'"
        )
        connection.execute(note, [str(problem or "Its files could not be deleted."), archive_id])
        return
    connection.execute(
        "delete from private.archives as a where a.id = %s and a.state = 'writing'", [archive_id]
    )


def _write_files(leaving: Leaving, archive_id: UUID, folder: str) -> tuple[Manifest, str]:
    """Write and read back the files of one snapshot; returns the manifest and a fingerprint."""
    connection, stretch = leaving.connection, leaving.stretch
    leaving.storage.make_folder(folder)
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local timezone = 'UTC'")
        connection.execute("set local datestyle = 'ISO'")
        given = [leaving.workspace_id, stretch.first_day, stretch.end_day]
        [[records, statements, fingerprint]] = connection.execute(
            "select * from private.describe_records(%s, %s, %s)", given
        ).fetchall()
        zone = connection.execute(ZONE, [leaving.workspace_id]).fetchone()
        if zone is None:
            raise ArchiveProblem("This workspace does not exist.")
        progress, total = _Progress(leaving.progress, records + statements), {}
        for table in TABLES:
            columns = load_columns(connection, table)
            total[table] = _write_table(leaving, columns, f"{folder}/{table}.parquet", progress.add)
    manifest = Manifest(
        tally=version("tally"),
        schema_version=_find_schema_version(connection),
        archive=archive_id,
        workspace=leaving.workspace_id,
        timezone=zone[0],
        first_day=stretch.first_day,
        end_day=stretch.end_day,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        tables=total,
    )
    return manifest, fingerprint


def _write_table(
    leaving: Leaving, columns: Columns, path: str, on_rows: Callable[[int], None]
) -> ArchivedTable:
    wanted = _load_sums(leaving, columns.table)
    query = sql.SQL(ROWS).format(
        columns=columns.names,
        table=sql.Identifier(columns.table),
        order=sql.SQL(", ").join(map(sql.Identifier, ORDERS[columns.table])),
    )
    with leaving.connection.cursor() as cursor, cursor.copy(query, leaving.key) as copy:
        facts = write_rows(leaving.storage, path, columns, copy, on_rows)
    if (
        hash_file(leaving.storage, path) != (facts.bytes, facts.sha256)
        or sum_days(leaving.storage, path) != wanted
    ):
        raise ArchiveProblem(
            f"{path} reads back as something else than was written. Nothing was archived. Check the storage."
        )
    return ArchivedTable(
        file=f"{columns.table}.parquet",
        rows=facts.rows,
        bytes=facts.bytes,
        sha256=facts.sha256,
        columns=columns.types,
        days=wanted,
    )


def _load_sums(leaving: Leaving, table: str) -> dict[date, DaySums]:
    query = sql.SQL(SUMS).format(table=sql.Identifier(table))
    return {
        day: DaySums(rows=rows, cost_usd=cost, tokens=int(tokens), requests=int(requests))
        for day, rows, cost, tokens, requests in leaving.connection.execute(query, leaving.key)
    }


def _find_schema_version(connection: Connection) -> str:
    """The last migration; nothing where they were not pushed by the usual program."""
    [[version]] = connection.execute(VERSION).fetchall()
    return str(version)


class _Progress:
    """Rows of several tables as one count."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total = progress, total
        self._before = self._last = 0

    def add(self, rows: int) -> None:
        """Tell how many rows of the current table are done; fewer than before begin the next one."""
        if rows < self._last:
            self._before += self._last
        self._last = rows
        self._progress(self._before + rows, self._total, "rows")
