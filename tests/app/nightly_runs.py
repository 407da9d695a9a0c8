"""Rows that nightly runs store for an account, without running one."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import uuid4

import psycopg

from app.auth.identity import User

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
TODAY = datetime.now(UTC).date()
MONTH_START = TODAY.replace(day=1)
MONTH_END = (MONTH_START + timedelta(days=31)).replace(day=1) - timedelta(days=1)

SPENT = 2 if MONTH_START < TODAY else 0  # by `usage(1, "2")`


def add_nightly_run(job: psycopg.Connection[Any], user: User, day: date, model: str | None = None) -> None:
    """Store one run: a forecast of 30 days and two totals, for one model or, by default, for everything.

    It knows of SPENT in the month before the day.
    """
    run, workspace_id = uuid4(), user.workspace.workspace_id
    made_at = datetime.combine(day, time(3), UTC)
    trained = (day - timedelta(days=41), day - timedelta(days=1), made_at)
    rows = [[run, workspace_id, model, day + timedelta(days=ahead), *trained] for ahead in range(30)]
    job.cursor().executemany(ADD_DAY, rows)
    job.execute(ADD_TOTAL, [run, workspace_id, model, "next_30_days", day, rows[-1][3], 0, None])
    job.execute(ADD_TOTAL, [run, workspace_id, model, "month_end", MONTH_START, MONTH_END, SPENT, None])
    job.execute(ADD_JOB_RUN, [run, workspace_id, day, "[]"])
