"""One workspace's share of a nightly run: its series, their outcomes, and the results to store."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from forecasting.model.forecast import Forecast
from forecasting.model.series import MIN_DAYS, TOTAL, Series, calculate_series
from forecasting.nightly.budgets import NO_BUDGETS, PREFIX, Budgets, Rest, load_budgets, load_usage
from forecasting.nightly.database import Connection, bounded_transaction
from forecasting.nightly.inputs import load_daily_spend, load_known_spend, load_models, load_projects
from forecasting.nightly.results import (
    KnownSpend,
    Result,
    calculate_renewals_only,
    calculate_result,
    count_days_left,
)
from forecasting.nightly.workspaces import Workspace
from forecasting.workers.pool import Failure, Outcome, Task

MAX_MODELS = 50  # forecast per workspace; the total and the providers include all models
MAX_PROJECTS = 20  # likewise
NOTHING_KNOWN = KnownSpend(date.min, {}, {})
SWITCHED_OFF = "Forecasts are switched off in the settings."


@dataclass(slots=True)
class WorkspaceRun:
    """Complete once every series with enough history has a forecast or a failure."""

    workspace: Workspace
    known: KnownSpend = NOTHING_KNOWN
    series: Sequence[Series] = ()
    models_left_out: int = 0
    projects_left_out: int = 0
    budgets: Budgets = NO_BUDGETS
    budget_series: Sequence[Series] = ()  # of scopes that only budgets have
    error: Exception | None = None  # if its spend could not be read
    budget_error: Exception | None = None  # if only that of its budgets could not
    forecasts: list[Forecast] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    @property
    def tasks(self) -> list[Task]:
        days_left = count_days_left(self.workspace.today)
        all_series = (*self.series, *self.budget_series)
        return [Task(series, days_left) for series in all_series if not series.days_missing]

    @property
    def is_complete(self) -> bool:
        return len(self.forecasts) + len(self.failures) == len(self.tasks)

    def add(self, outcome: Outcome) -> None:
        """Add the outcome of one of the tasks."""
        if isinstance(outcome, Failure):
            self.failures.append(outcome)
        else:
            self.forecasts.append(outcome)

    def results(self) -> list[Result]:
        """Results to store, ordered by series name."""
        metered = {series.unique_id for series in self.series}
        results = [
            calculate_result(forecast, self.known)
            for forecast in self.forecasts
            if not forecast.series.unique_id.startswith(PREFIX)
        ]
        results += [
            calculate_renewals_only(unique_id, self.known)
            for unique_id in self.known.renewals
            if unique_id not in metered
        ]
        return sorted(results, key=lambda result: result.unique_id)

    def rests(self) -> list[Rest]:
        """The rests of budgets to store."""
        known = [series.unique_id for series in (*self.series, *self.budget_series)]
        return self.budgets.rests(self.forecasts, known)

    def results_or_none(self) -> list[Result]:
        """The same; none, and the error, where they cannot be calculated."""
        try:
            return self.results()
        except Exception as error:
            self.error = error
            return []

    def too_little_history(self) -> list[dict[str, Any]]:
        """Series that cannot be forecast yet, with the number of days that each still needs."""
        if not self.workspace.forecast_enabled or self.error:
            return []
        if not self.series and not self.known.renewals:
            return [{"series": TOTAL, "days": 0, "days_missing": MIN_DAYS}]
        return [
            {
                "series": series.unique_id,
                "days": MIN_DAYS - series.days_missing,
                "days_missing": series.days_missing,
            }
            for series in self.series
            if series.days_missing
        ]

    def step(self, count: int) -> dict[str, Any]:
        """Entry for job_runs.steps: `count` stored series, and the reasons why others have no forecast."""
        if not self.workspace.forecast_enabled:
            return {"step": "forecast", "count": 0, "skipped": SWITCHED_OFF}
        return {
            "step": "forecast",
            "series": len(self.series),
            "count": count,
            "models_left_out": self.models_left_out,
            "projects_left_out": self.projects_left_out,
            "failed": [
                {"series": f.series.unique_id, "reason": f.reason}
                for f in self.failures
                if not f.series.unique_id.startswith(PREFIX)
            ],
            "too_little_history": self.too_little_history(),
        }


def load_workspace_run(connection: Connection, workspace: Workspace) -> WorkspaceRun:
    """Read a workspace's history; a workspace with forecasts switched off gets no series."""
    if not workspace.forecast_enabled:
        return WorkspaceRun(workspace)
    models, models_left_out = load_models(connection, workspace, MAX_MODELS)
    projects, projects_left_out = load_projects(connection, workspace, MAX_PROJECTS)
    daily = load_daily_spend(connection, workspace, models, projects)
    series = calculate_series(workspace.id, daily, workspace.last_day)
    known = load_known_spend(connection, workspace, models, projects)
    run = WorkspaceRun(workspace, known, series, models_left_out, projects_left_out)
    _add_budgets(connection, run)
    return run


def _add_budgets(connection: Connection, run: WorkspaceRun) -> None:
    """Read what budgets need; if that fails, the workspace is forecast without them."""
    workspace = run.workspace
    try:
        with bounded_transaction(connection):
            budgets = load_budgets(connection, workspace, [series.unique_id for series in run.series])
            usage = load_usage(connection, workspace, budgets)
    except Exception as error:
        if connection.closed:
            raise
        run.budget_error = error
    else:
        run.budgets = budgets
        run.budget_series = calculate_series(workspace.id, usage, workspace.last_day)
