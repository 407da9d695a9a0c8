"""Runs in public.job_runs: one row for a nightly run, and one for each workspace; of kind `change` one for
the forecast of a workspace after changes.

`steps` is a list of objects with `step` and `count`. The run's steps also have `seconds` and `error`; a
workspace's steps are `forecast` (see WorkspaceRun.step), `score`, `renewals` and `collect`. A run that did
everything but for some workspaces is `partial`; `metadata.problems` has their number.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg.types.json import Jsonb

from forecasting.nightly.database import Connection
from forecasting.nightly.workspaces import Workspace

MAX_ERROR_LENGTH = 10_000
INTERRUPTED = "The nightly run was interrupted before it finished."

Steps = Sequence[dict[str, Any]]


class Ending(NamedTuple):
    """The end of a run; `problems` is the number of workspaces with a failure of their own."""

    status: Literal["done", "partial", "failed"]
    error: str | None = None
    problems: int = 0


FAIL_INTERRUPTED = """
update public.job_runs
set status = 'failed', finished_at = now(), error = %(error)s
where status = 'running' and kind = 'nightly'"""

START_RUN = """
insert into public.job_runs (run_id, day)
values (%(run_id)s, coalesce(%(as_of)s, (now() at time zone 'UTC')::date))"""

START_CHANGE = """
insert into public.job_runs (run_id, workspace_id, kind, day)
select %(run_id)s, w.id, 'change', %(day)s
from public.workspaces as w
where w.id = %(workspace_id)s"""

# Those that are running were killed: a workspace is forecast by one at a time.
DELETE_EARLIER_CHANGES = """
delete from public.job_runs as r
where
    r.workspace_id = %(workspace_id)s
    and r.kind = 'change'
    and r.run_id <> %(run_id)s
    and (r.day = %(day)s or r.status = 'running')"""

FINISH_RUN = """
update public.job_runs
set
    status = %(status)s,
    finished_at = clock_timestamp(),
    steps = %(steps)s,
    error = left(%(error)s, %(max_length)s),
    metadata = metadata || jsonb_build_object('problems', %(problems)s::integer)
where run_id = %(run_id)s and workspace_id is null"""

# Nothing of a workspace that was deleted meanwhile.
ADD_TO_WORKSPACE = """
insert into public.job_runs as r (run_id, workspace_id, day, status, finished_at, steps, error)
select
    %(run_id)s, w.id, %(day)s, case when %(error)s::text is null then 'done' else 'failed' end,
    clock_timestamp(), %(steps)s, left(%(error)s, %(max_length)s)
from public.workspaces as w
where w.id = %(workspace_id)s
on conflict on constraint job_runs_once do update
set
    status = case when r.status = 'failed' then r.status else excluded.status end,
    finished_at = excluded.finished_at,
    steps = r.steps || excluded.steps,
    error = left(nullif(concat_ws(' ', r.error, excluded.error), ''), %(max_length)s)"""


def start_run(connection: Connection, run_id: UUID, as_of: date | None) -> None:
    """Add a running row. The caller holds the lock, so any other running row belongs to a killed run."""
    connection.execute(FAIL_INTERRUPTED, {"error": INTERRUPTED})
    connection.execute(START_RUN, {"run_id": run_id, "as_of": as_of})


def finish_run(connection: Connection, run_id: UUID, steps: Steps, ending: Ending) -> None:
    """Store how the run ended."""
    values = {
        **ending._asdict(),
        "run_id": run_id,
        "steps": Jsonb(list(steps)),
        "max_length": MAX_ERROR_LENGTH,
    }
    connection.execute(FINISH_RUN, values)


def start_change(connection: Connection, run_id: UUID, workspace: Workspace) -> None:
    """Add the running row of a forecast after changes."""
    connection.execute(START_CHANGE, _change_keys(run_id, workspace))


def delete_earlier_changes(connection: Connection, run_id: UUID, workspace: Workspace) -> None:
    """Delete the rows that this forecast replaces, so that their number follows the days, not the changes."""
    connection.execute(DELETE_EARLIER_CHANGES, _change_keys(run_id, workspace))


def _change_keys(run_id: UUID, workspace: Workspace) -> dict[str, object]:
    return {"run_id": run_id, "workspace_id": workspace.id, "day": workspace.today}


def add_to_workspace(
    connection: Connection, run_id: UUID, workspace: Workspace, steps: Steps, error: str | None
) -> bool:
    """Add steps and an error to a workspace's row, which its members can read; false if it was deleted."""
    values = {
        "run_id": run_id,
        "workspace_id": workspace.id,
        "day": workspace.today,
        "steps": Jsonb(list(steps)),
        "error": error,
        "max_length": MAX_ERROR_LENGTH,
    }
    return connection.execute(ADD_TO_WORKSPACE, values).rowcount > 0
