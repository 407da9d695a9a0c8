"""Nightly runs in public.job_runs: one row for the run, and one for each workspace.

`steps` is a list of objects with `step` and `count`. The run's steps also have `seconds` and `error`; a
workspace's steps are `forecast` (see WorkspaceRun.step), `score` and `collect`.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from forecasting.nightly.database import Connection
from forecasting.nightly.workspaces import Workspace

MAX_ERROR_LENGTH = 10_000
INTERRUPTED = "The nightly run was interrupted before it finished."

Steps = Sequence[dict[str, Any]]

FAIL_INTERRUPTED = """
update public.job_runs
set status = 'failed', finished_at = now(), error = %(error)s
where status = 'running'"""

START_RUN = """
insert into public.job_runs (run_id, day)
values (%(run_id)s, coalesce(%(as_of)s, (now() at time zone 'UTC')::date))"""

FINISH_RUN = """
update public.job_runs
set status = %(status)s, finished_at = clock_timestamp(), steps = %(steps)s, error = %(error)s
where run_id = %(run_id)s and workspace_id is null"""

ADD_WORKSPACE = """
insert into public.job_runs (run_id, workspace_id, day, status, finished_at, steps, error)
values (%(run_id)s, %(workspace_id)s, %(day)s, %(status)s, clock_timestamp(), %(steps)s, %(error)s)"""


def start_run(connection: Connection, run_id: UUID, as_of: date | None) -> None:
    """Add a running row. The caller holds the lock, so any other running row belongs to a killed run."""
    connection.execute(FAIL_INTERRUPTED, {"error": INTERRUPTED})
    connection.execute(START_RUN, {"run_id": run_id, "as_of": as_of})


def finish_run(connection: Connection, run_id: UUID, steps: Steps, error: str | None) -> None:
    """Mark the run as done, or as failed with its error."""
    connection.execute(FINISH_RUN, {"run_id": run_id, **_outcome(steps, error)})


def add_workspace(
    connection: Connection, run_id: UUID, workspace: Workspace, steps: Steps, error: str | None
) -> None:
    """Add a workspace's row, which its members can read."""
    keys = {"run_id": run_id, "workspace_id": workspace.id, "day": workspace.today}
    connection.execute(ADD_WORKSPACE, {**keys, **_outcome(steps, error)})


def _outcome(steps: Steps, error: str | None) -> dict[str, Any]:
    return {
        "status": "failed" if error else "done",
        "steps": Jsonb(list(steps)),
        "error": error and error[:MAX_ERROR_LENGTH],
    }
