"""The forecasts of budgets in private.budget_forecasts."""

from collections.abc import Sequence

from forecasting.nightly.budgets import Rest
from forecasting.nightly.database import Connection
from forecasting.nightly.problems import BUDGETS, Problems
from forecasting.nightly.workspace_run import WorkspaceRun
from forecasting.nightly.workspaces import Workspace

# A burst of runs within an hour is one. Besides, the run before is kept: alerts need two that agree.
SAVE = """
insert into private.budget_forecasts (
    budget_id, workspace_id, made_on, period_start, period_end, days, quantiles
)
select b.id, b.workspace_id, %s, %s, %s, %s::numeric[], %s::numeric[]
from public.budgets as b
where b.id = %s -- it may have been deleted meanwhile
on conflict (budget_id, made_in) do update
    set
        made_on = excluded.made_on,
        period_start = excluded.period_start,
        period_end = excluded.period_end,
        days = excluded.days,
        quantiles = excluded.quantiles,
        made_at = now()"""

FORGET = """
delete from private.budget_forecasts as f
using (
    select e.budget_id, max(e.made_at) as made_at
    from private.budget_forecasts as e
    where e.workspace_id = %(workspace_id)s and e.made_at <= now() - interval '1 hour'
    group by e.budget_id
) as earlier
where f.budget_id = earlier.budget_id and f.made_at < earlier.made_at"""


def save_budgets(connection: Connection, workspace_run: WorkspaceRun, problems: Problems) -> int:
    """Store the forecasts of a workspace's budgets; returns their number. A failure is noted, no more."""
    workspace = workspace_run.workspace
    if workspace_run.budget_error:
        problems.note(workspace, BUDGETS, workspace_run.budget_error)
    saved = problems.attempt(
        workspace, BUDGETS, lambda: _save_rests(connection, workspace, workspace_run.rests())
    )
    return saved or 0


def _save_rests(connection: Connection, workspace: Workspace, rests: Sequence[Rest]) -> int:
    """In place of those of an earlier run of the hour."""
    rows = [
        (
            rest.made_on,
            rest.period.first,
            rest.period.last,
            [str(amount) for amount in rest.days],
            [str(amount) for amount in rest.quantiles],
            rest.budget_id,
        )
        for rest in rests
    ]
    with connection.cursor() as cursor:
        cursor.executemany(SAVE, rows)
    connection.execute(FORGET, {"workspace_id": workspace.id})
    return len(rows)
