"""Old records go to the archive, workspace by workspace, and files of deleted workspaces go for good."""

from collections.abc import Sequence
from functools import partial

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import ARCHIVE, Problems
from forecasting.nightly.workspaces import Workspace
from tally.archive.storage import open_storage
from tally.archive.upkeep import archive_due, delete_of_deleted, find_due
from tally.core.errors import TallyError
from tally.storage.objects import StorageProblem, Store

HAS_SETTING = (
    "select exists (select from public.workspaces as w where w.id = %s and w.archive_days is not null)"
)
LEFT_OVER = "Files of a deleted workspace could not be deleted"
HAS_DELETED = "select exists (select from private.archives as a where a.state = 'deleting')"


def archive_all(connection: Connection, workspaces: Sequence[Workspace], problems: Problems) -> int:
    """Archive what the settings ask for; returns the number of rows that left."""
    asking = [one for one in workspaces if _is_true(connection, HAS_SETTING, one.id)]
    has_deleted = _is_true(connection, HAS_DELETED)
    if not asking and not has_deleted:
        return 0
    try:
        storage = open_storage()
    except StorageProblem as problem:
        for workspace in asking:
            if problems.attempt(workspace, ARCHIVE, partial(find_due, connection, workspace.id)):
                _note(problems, workspace, problem)
        if has_deleted:
            problems.tell(f"{LEFT_OVER}: {problem}")
        return 0
    rows = sum(_archive(connection, storage, workspace, problems) for workspace in asking)
    for left in delete_of_deleted(connection, storage) if has_deleted else ():
        problems.tell(f"{LEFT_OVER}: {left}")
    return rows


def _archive(connection: Connection, storage: Store, workspace: Workspace, problems: Problems) -> int:
    try:
        return archive_due(connection, storage, workspace.id)
    except TallyError as problem:
        _note(problems, workspace, problem)
    except Exception as problem:
        problems.note(workspace, ARCHIVE, problem)
    return 0


def _note(problems: Problems, workspace: Workspace, problem: TallyError) -> None:
    problems.add(workspace, f"{ARCHIVE}: {problem}", f"{ARCHIVE} ({workspace.id}): {problem}")


def _is_true(connection: Connection, query: str, *values: object) -> bool:
    return connection.execute(query, values).fetchone() == (True,)
