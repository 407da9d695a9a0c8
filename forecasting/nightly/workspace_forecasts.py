"""Forecasts of many workspaces, streamed through the workers one workspace after the other."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from forecasting.nightly.database import Connection, bounded_transaction
from forecasting.nightly.workspace_run import WorkspaceRun, load_workspace_run
from forecasting.nightly.workspaces import Workspace
from forecasting.workers.pool import Stream, Task
from forecasting.workers.progress_line import ProgressLine


def forecast_workspaces(
    connection: Connection,
    workspaces: Sequence[Workspace],
    stream: Stream,
    finish: Callable[[WorkspaceRun], None],
) -> None:
    """Forecast each workspace's series, and pass each WorkspaceRun to `finish` once it is complete.

    Workspaces are loaded as the workers need tasks, so memory does not grow with their number.
    """
    open_runs: dict[UUID, WorkspaceRun] = {}
    progress = ProgressLine()

    def tasks() -> Iterator[Task]:
        for workspace in workspaces:
            workspace_run = _load(connection, workspace)
            if workspace_run.is_complete:
                finish(workspace_run)
            else:
                open_runs[workspace.id] = workspace_run
                yield from workspace_run.tasks

    for outcome in stream(tasks()):
        workspace_run = open_runs[outcome.series.workspace_id]
        workspace_run.add(outcome)
        progress.count()
        if workspace_run.is_complete:
            finish(open_runs.pop(workspace_run.workspace.id))
    progress.end()


def _load(connection: Connection, workspace: Workspace) -> WorkspaceRun:
    """Load a workspace's run; if that fails, a run with the reason, so that the others go on."""
    try:
        with bounded_transaction(connection):
            return load_workspace_run(connection, workspace)
    except Exception as problem:
        if connection.closed:
            raise
        return WorkspaceRun(workspace, error=problem)
