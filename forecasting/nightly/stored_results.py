"""Forecasts in public.forecast_results (days) and public.forecast_totals (periods)."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

from psycopg.types.json import Jsonb

from forecasting.nightly.database import Connection
from forecasting.nightly.results import Day, Period, Result
from forecasting.nightly.workspaces import Workspace

RETENTION = timedelta(days=400)  # of daily predictions; pages show the last 60 days. Totals are kept forever

DELETE_OLD = """
delete from public.forecast_results
where workspace_id = %(workspace_id)s and created_at < now() - %(retention)s"""

# One forecast of a day is kept: the last, which knows most.
DELETE_TODAYS = """
with earlier as materialized (
    select r.run_id
    from public.job_runs as r
    where r.workspace_id = %(workspace_id)s and r.day = %(today)s and r.run_id <> %(run_id)s
), totals as (
    delete from public.forecast_totals as t
    where t.workspace_id = %(workspace_id)s and t.run_id in (select e.run_id from earlier as e)
)
delete from public.forecast_results as f
where f.workspace_id = %(workspace_id)s and f.run_id in (select e.run_id from earlier as e)"""

COPY_RESULTS = """
copy public.forecast_results (
    run_id, workspace_id, provider_id, model_name, project_id, forecast_date, predicted_cost_usd,
    lower_bound_80, upper_bound_80, lower_bound_95, upper_bound_95, confidence_score, model_version,
    training_data_start, training_data_end, training_record_count, metadata
) from stdin"""

COPY_TOTALS = """
copy public.forecast_totals (
    run_id, workspace_id, provider_id, model_name, project_id, kind, period_start, period_end, spent_usd,
    predicted_cost_usd, lower_bound_80, upper_bound_80, lower_bound_95, upper_bound_95, quantiles, backtest
) from stdin"""


def save_results(connection: Connection, run_id: UUID, workspace_id: UUID, results: Sequence[Result]) -> None:
    """Add a run's predictions for one workspace, inside the caller's transaction."""
    providers: dict[str, UUID] = dict(connection.execute("select name, id from public.providers").fetchall())
    keyed = [((run_id, workspace_id, *_columns(result.unique_id, providers)), result) for result in results]
    with connection.cursor().copy(COPY_RESULTS) as copy:
        for key, result in keyed:
            for day in result.days:
                copy.write_row((*key, *_day_row(result, day)))
    with connection.cursor().copy(COPY_TOTALS) as copy:
        for key, result in keyed:
            for period in result.periods:
                copy.write_row((*key, *_period_row(period)))


def delete_old_results(connection: Connection, workspace_id: UUID) -> int:
    """Delete daily predictions past their retention; returns the number of rows."""
    return connection.execute(DELETE_OLD, {"workspace_id": workspace_id, "retention": RETENTION}).rowcount


def delete_todays_results(connection: Connection, workspace: Workspace, run_id: UUID) -> None:
    """Delete the predictions that other runs of the same day made for a workspace."""
    keys = {"workspace_id": workspace.id, "today": workspace.today, "run_id": run_id}
    connection.execute(DELETE_TODAYS, keys)


def _columns(unique_id: str, providers: dict[str, UUID]) -> tuple[UUID | None, str | None, UUID | None]:
    kind, _, name = unique_id.partition(":")
    return (
        providers[name] if kind == "provider" else None,
        name if kind == "model" else None,
        UUID(name) if kind == "project" else None,
    )


def _day_row(result: Result, day: Day) -> Iterable[object]:
    training = result.training
    metadata = json.dumps({"renewals_usd": str(day.renewals_usd)} if day.renewals_usd else {})
    return (
        day.day,
        *day.amounts,
        result.confidence,
        training.model_version,
        training.first_day,
        training.last_day,
        training.record_count,
        metadata,
    )


def _period_row(period: Period) -> Iterable[object]:
    backtest = Jsonb(period.backtest or {})
    return (
        period.kind,
        period.first_day,
        period.last_day,
        period.spent_usd,
        *period.amounts,
        list(period.quantiles),
        backtest,
    )
