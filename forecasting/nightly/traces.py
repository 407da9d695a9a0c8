"""Traces, and what was said in them, are dropped after their days; many spans follow changed rules here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import TRACES, Problems
from forecasting.nightly.workspaces import Workspace

BATCH = 2_000  # traces of one transaction: saves of their workspace wait for it
LOG = "select private.log_expired(%s, %s, %s)"


def drop_traces(connection: Connection, workspaces: Sequence[Workspace], problems: Problems) -> int:
    """Drop old traces of each workspace, then the weeks that are empty; returns the number of traces."""
    dropped = 0
    for workspace in workspaces:
        dropped += _drop_all(connection, workspace, problems, Expiry("traces", _drop_some))
        _drop_all(connection, workspace, problems, Expiry("span_contents", _drop_contents))
        problems.attempt(workspace, TRACES, partial(refile_spans, connection, workspace.id))
    connection.execute("select private.drop_empty_partitions()")
    return dropped


@dataclass(frozen=True, slots=True)
class Expiry:
    """A table whose rows grow too old, and the deletion of some of them."""

    table: str
    drop_some: Callable[[Connection, UUID], int]


def _drop_all(connection: Connection, workspace: Workspace, problems: Problems, expiry: Expiry) -> int:
    """Delete all that is too old, in batches, and log how much that was."""
    dropped = 0
    while found := problems.attempt(workspace, TRACES, partial(expiry.drop_some, connection, workspace.id)):
        dropped += found
    if dropped:
        note = partial(connection.execute, LOG, [workspace.id, expiry.table, dropped])
        problems.attempt(workspace, TRACES, note)
    return dropped


def refile_spans(connection: Connection, workspace_id: UUID) -> int:
    """File spans by rules that changed, where they were too many to do so at once; returns how many moved."""
    due = "select c.is_refiling_due from private.span_counts as c where c.workspace_id = %s"
    if connection.execute(due, [workspace_id]).fetchone() != (True,):
        return 0
    moved = 0
    [[weeks]] = connection.execute("select private.weeks_of_spans(%s)", [workspace_id]).fetchall()
    for week in weeks:
        [[count]] = connection.execute(
            "select private.refile_span_week(%s, %s)", [workspace_id, week]
        ).fetchall()
        moved += count
    done = "update private.span_counts as c set is_refiling_due = false where c.workspace_id = %s"
    connection.execute(done, [workspace_id])
    return moved


def _drop_contents(connection: Connection, workspace_id: UUID) -> int:
    [[count]] = connection.execute(
        "select private.drop_old_contents(%s, %s)", [workspace_id, BATCH]
    ).fetchall()
    return int(count)


def _drop_some(connection: Connection, workspace_id: UUID) -> int:
    query = "select private.drop_old_traces(%s, %s)"
    [[count]] = connection.execute(query, [workspace_id, BATCH]).fetchall()
    return int(count)
