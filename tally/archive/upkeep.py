"""Archives of many workspaces, for the nightly run and `tally archive`."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from tally.archive.connection import Connection, archive_lock
from tally.archive.leaving import Leaving, Reason, archive_stretch
from tally.archive.manifest import Manifest
from tally.archive.problems import ArchiveProblem
from tally.archive.returning import check_archive, restore_archive
from tally.archive.stretch import Archive, Stretch, load_archives
from tally.core.errors import TallyError
from tally.core.progress import Progress, ignore_progress
from tally.storage.objects import StorageProblem, Store

DUE = "select s.first_day, s.end_day from private.stretches_to_archive(%s) as s"
# After a restore, the files stay for 30 days.
LEFT_OVER = """
select a.id
from private.archives as a
where a.workspace_id = %s and (a.state in ('writing', 'deleting')
    or (a.state = 'restored' and (a.restored_at < now() - interval '30 days' or exists (
        select from private.archives as n
        where n.workspace_id = a.workspace_id and n.state = 'archived'
            and n.first_day < a.end_day and n.end_day > a.first_day))))"""
OF_DELETED = "select distinct a.workspace_id from private.archives as a where a.state = 'deleting'"
NOTE = "update private.archives as a set problem = left(%s, 500), checked_at = now() where a.id = %s"
OnArchived = Callable[[Stretch, Manifest], None]


def find_due(connection: Connection, workspace_id: UUID) -> list[Stretch]:
    """The stretches that a workspace's setting sends to the archive now."""
    return [Stretch(*row) for row in connection.execute(DUE, [workspace_id])]


def archive_due(
    connection: Connection, storage: Store, workspace_id: UUID, on_archived: OnArchived | None = None
) -> int:
    """Archive what a workspace's setting asks for; returns the number of rows that left."""
    rows = 0
    with archive_lock(connection, workspace_id):
        delete_left_over(connection, storage, workspace_id)
        for stretch in find_due(connection, workspace_id):
            manifest = archive_stretch(Leaving(connection, storage, workspace_id, stretch), "setting")
            rows += sum(table.rows for table in manifest.tables.values())
            if on_archived:
                on_archived(stretch, manifest)
    return rows


def archive_one(leaving: Leaving, reason: Reason = "command") -> Manifest:
    """Archive one stretch of a workspace now."""
    with archive_lock(leaving.connection, leaving.workspace_id):
        delete_left_over(leaving.connection, leaving.storage, leaving.workspace_id)
        return archive_stretch(leaving, reason)


def restore_month(
    connection: Connection,
    storage: Store,
    workspace_id: UUID,
    month: Stretch,
    progress: Progress = ignore_progress,
) -> list[Archive]:
    """Bring all archives of a workspace's month back; returns them."""
    with archive_lock(connection, workspace_id):
        found = [
            one for one in load_archives(connection, workspace_id, "archived") if month.holds(one.stretch)
        ]
        if not found:
            raise ArchiveProblem(f"Nothing of {month} is archived. `tally archive list` shows what is.")
        for one in found:
            restore_archive(connection, storage, one, progress)
    return found


def verify(
    connection: Connection, storage: Store, archives: Sequence[Archive]
) -> Iterator[tuple[Archive, str]]:
    """Read archives again, each with what is wrong or nothing; the list remembers it."""
    for archive in archives:
        problem = ""
        try:
            check_archive(storage, archive)
        except StorageProblem as found:
            problem = str(found)
        connection.execute(NOTE, [problem or None, archive.id])
        yield archive, problem


def delete_left_over(connection: Connection, storage: Store, workspace_id: UUID) -> int:
    """Delete files of attempts that ended early, of deleted workspaces, and of what was restored long ago."""
    wanted = {row[0] for row in connection.execute(LEFT_OVER, [workspace_id])}
    for archive in load_archives(connection, workspace_id):
        if archive.id in wanted:
            try:
                storage.delete_folder(archive.folder)
            except StorageProblem as problem:
                connection.execute(NOTE, [str(problem), archive.id])
                raise
            connection.execute("delete from private.archives as a where a.id = %s", [archive.id])
    return len(wanted)


def delete_of_deleted(connection: Connection, storage: Store) -> list[TallyError]:
    """Delete the files of workspaces that were deleted; returns why some of them stay until the next time."""
    problems: list[TallyError] = []
    for (workspace_id,) in connection.execute(OF_DELETED).fetchall():
        try:
            with archive_lock(connection, workspace_id):
                delete_left_over(connection, storage, workspace_id)
        except TallyError as problem:
            problems.append(problem)
    return problems
