"""Rows that nightly runs store for an account, without running one."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import psycopg

from app.auth.identity import User
from tally.core.months import last_day_of_month
from tests.days import current_day

ADD_DAY = """
insert into public.forecast_results (
    run_id, workspace_id, model_name, forecast_date, predicted_cost_usd, lower_bound_80, upper_bound_80,
    lower_bound_95, upper_bound_95, confidence_score, model_version, training_data_start, training_data_end,
    training_record_count, created_at
)
values (%s, %s, %s, %s, 2, 1, 3, 0.5, 4, 0.8, 'test-1', %s, %s, 41, %s)"""
ADD_TOTAL = """
insert into public.forecast_totals (
    run_id, workspace_id, model_name, kind, period_start, period_end, spent_usd, predicted_cost_usd,
    lower_bound_80, upper_bound_80, lower_bound_95, upper_bound_95, actual_cost_usd
)
values (%s, %s, %s, %s, %s, %s, %s, 70.5, 61.25, 80, 50, 95, %s)"""
ADD_ANOMALY = """
insert into public.anomalies (
    workspace_id, day, kind, actual_usd, expected_usd, lower_95, upper_95, attribution
)
values (%s, %s, 'spend', 18.40, 5, 2, 7, '{"volume": "14.40"}')"""
ADD_JOB_RUN = """
insert into public.job_runs (run_id, workspace_id, day, status, steps)
values (%s, %s, %s, 'done', %s)"""


def month_start() -> date:
    """The first day of this month."""
    return current_day().replace(day=1)


def month_end() -> date:
    """The last day of this month."""
    return last_day_of_month(current_day())


def spent_in_month() -> int:
    """The spend of `usage(1, "2")` in this month before today."""
    return 2 if month_start() < current_day() else 0


def add_nightly_run(job: psycopg.Connection[Any], user: User, day: date, model: str | None = None) -> None:
    """Store one run: a forecast of 30 days and two totals, for one model or, by default, for everything.

    It knows of `spent_in_month` in the month before the day.
    """
    run, workspace_id = uuid4(), user.workspace.workspace_id
    made_at = datetime.combine(day, time(3), UTC)
    trained = (day - timedelta(days=41), day - timedelta(days=1), made_at)
    rows = [[run, workspace_id, model, day + timedelta(days=ahead), *trained] for ahead in range(30)]
    job.cursor().executemany(ADD_DAY, rows)
    job.execute(ADD_TOTAL, [run, workspace_id, model, "next_30_days", day, rows[-1][3], 0, None])
    job.execute(
        ADD_TOTAL, [run, workspace_id, model, "month_end", month_start(), month_end(), spent_in_month(), None]
    )
    job.execute(ADD_JOB_RUN, [run, workspace_id, day, "[]"])
