"""Traces, and what was said in them, are dropped after the days for which their workspace keeps them."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import TRACES, Problems
from forecasting.nightly.workspaces import Workspace

BATCH = 2_000  # traces of one transaction: saves of their workspace wait for it


def drop_traces(connection: Connection, workspaces: Sequence[Workspace], problems: Problems) -> int:
    """Drop old traces of each workspace, then the weeks that are empty; returns the number of traces."""
    dropped = 0
    for workspace in workspaces:
        while found := problems.attempt(workspace, TRACES, partial(_drop_some, connection, workspace.id)):
            dropped += found
        while problems.attempt(workspace, TRACES, partial(_drop_contents, connection, workspace.id)):
            pass
    connection.execute("select private.drop_empty_span_weeks()")
    return dropped


def _drop_contents(connection: Connection, workspace_id: UUID) -> int:
    [[count]] = connection.execute(
        "select private.drop_old_contents(%s, %s)", [workspace_id, BATCH]
    ).fetchall()
    return int(count)


def _drop_some(connection: Connection, workspace_id: UUID) -> int:
    query = "select private.drop_old_traces(%s, %s)"
    [[count]] = connection.execute(query, [workspace_id, BATCH]).fetchall()
    return int(count)
