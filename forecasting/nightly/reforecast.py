"""The forecast of one workspace after changes: a nightly run for it alone, without sync and renewals."""

from functools import partial
from uuid import UUID, uuid4

from forecasting.nightly import job_runs, report
from forecasting.nightly.actuals import backfill_actuals
from forecasting.nightly.alerts import raise_alerts
from forecasting.nightly.anomalies import flag_anomalies
from forecasting.nightly.database import Connection, bounded_transaction
from forecasting.nightly.problems import ACTUALS, ALERTS, ANOMALIES, FOLD, FORECAST, Problems
from forecasting.nightly.requests import (
    answer_requests,
    forget_requests,
    keep_newest_request,
    load_requests,
)
from forecasting.nightly.stored_budgets import save_budgets
from forecasting.nightly.stored_results import delete_todays_results, save_results
from forecasting.nightly.upkeep import fold_workspace, has_stale_days
from forecasting.nightly.workspace_forecasts import forecast_workspaces
from forecasting.nightly.workspace_run import WorkspaceRun
from forecasting.nightly.workspaces import Workspace, load_workspace
from forecasting.workers.pool import Stream


class DaysWait(Exception):
    """Changed days cannot be folded before other transactions have ended; to be tried again soon."""


def reforecast(connection: Connection, workspace_id: UUID, stream: Stream) -> int | None:
    """Forecast a workspace if it changed, and return the number of series; None if it did not.

    Results replace those of the same day, and the requests are answered last: where a run is killed at any
    moment, the next one leaves what the first would have left. Transactions are short, for the days of all
    workspaces wait to be folded until older transactions have ended. Raises DaysWait where these days do.
    """
    workspace = load_workspace(connection, workspace_id)
    if workspace is None:
        forget_requests(connection, workspace_id)
        return None
    return _Reforecast(connection, workspace, stream).execute()


class _Reforecast:
    """One run: its id, and the problems that the workspace's people read."""

    def __init__(self, connection: Connection, workspace: Workspace, stream: Stream) -> None:
        self.connection, self.workspace, self.stream = connection, workspace, stream
        self.run_id = uuid4()
        self.problems = Problems(connection, self.run_id)
        self.requests: list[int] = []
        self.series_count: int | None = None

    def execute(self) -> int | None:
        fold_error = self._fold()
        self.requests = load_requests(self.connection, self.workspace.id).get(self.workspace.id, [])
        if not self.requests and fold_error is None:
            if has_stale_days(self.connection, self.workspace.id):
                raise DaysWait
            return None
        job_runs.start_change(self.connection, self.run_id, self.workspace)
        keep_newest_request(self.connection, self.requests)
        if fold_error is not None:
            self.problems.note(self.workspace, FOLD, fold_error)
        forecast_workspaces(self.connection, [self.workspace], self.stream, self._save)
        return self.series_count

    def _fold(self) -> Exception | None:
        try:
            with bounded_transaction(self.connection):
                fold_workspace(self.connection, self.workspace.id)
        except Exception as error:
            if self.connection.closed:
                raise
            return error
        return None

    def _save(self, workspace_run: WorkspaceRun) -> None:
        workspace, attempt = self.workspace, self.problems.attempt
        if workspace_run.error:
            self.problems.note(workspace, FORECAST, workspace_run.error)
        else:
            self.series_count = attempt(workspace, FORECAST, partial(self._replace, workspace_run))
        save_budgets(self.connection, workspace_run, self.problems)
        scored = attempt(workspace, ACTUALS, partial(backfill_actuals, self.connection, workspace))
        flagged = attempt(workspace, ANOMALIES, partial(flag_anomalies, self.connection, workspace))
        attempt(workspace, ALERTS, partial(raise_alerts, self.connection, self.problems, [workspace], True))
        if workspace_run.failures:
            line = report.describe_failures([workspace_run]) or ""
            self.problems.add(workspace, report.explain_failures(workspace_run), line)
        steps = [
            workspace_run.step(self.series_count or 0),
            {"step": "score", "count": scored},
            {"step": "anomalies", "count": flagged},
        ]
        with bounded_transaction(self.connection):
            job_runs.add_to_workspace(self.connection, self.run_id, workspace, steps, None)
            if self.series_count is not None:
                answer_requests(self.connection, self.requests)

    def _replace(self, workspace_run: WorkspaceRun) -> int:
        """Save the results in place of today's earlier ones; where a series failed, these stay as well."""
        results = workspace_run.results()
        if not workspace_run.failures:
            delete_todays_results(self.connection, self.workspace, self.run_id)
        job_runs.delete_earlier_changes(self.connection, self.run_id, self.workspace)
        save_results(self.connection, self.run_id, self.workspace.id, results)
        return len(results)
