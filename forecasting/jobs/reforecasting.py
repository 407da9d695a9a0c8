"""Forecasts after changes: one job for each workspace that changed, in one of two lanes."""

import asyncio
import logging
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from uuid import UUID

import psycopg
from procrastinate import JobContext

from forecasting.jobs.connections import task_connection
from forecasting.jobs.debounce import Debounce
from forecasting.jobs.forecaster import FAILED, WAITS, Forecaster, OverBudget
from forecasting.jobs.putting import put
from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import Surroundings

APPLICATION_NAME = "tally forecasts"
LANES = "lanes"  # in the context of the task
# Workspaces that took long lately have a lane of their own, so that others need not wait for them.
LANE, SLOW_LANE = "forecasts", "slow forecasts"
SLOW_SECONDS = 15.0
# Tasks to be put for a workspace (`workspace_id`) whose forecast is new.
AFTER_FORECAST: list[str] = []

CHANGED = """
select c.workspace_id, max(c.gen)::text
from (
    select s.workspace_id, s.gen::text::numeric as gen from private.stale_days as s
    union all
    select q.workspace_id, q.gen::text::numeric from private.forecast_requests as q
) as c
group by 1"""

END_OVER_BUDGET = """
update public.job_runs
set status = 'failed', finished_at = now(), error = %s
where workspace_id = %s and kind = 'change' and status = 'running'"""
TOO_SLOW = (
    "No new forecast could be made: it took longer than one account may take. The nightly run tries again."
)


@dataclass
class Lanes:
    """The lanes of one worker, and what it knows of workspaces."""

    surroundings: Surroundings
    forecasters: dict[str, Forecaster] = field(init=False)
    debounce: Debounce[UUID] = field(init=False)
    slow: set[UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.forecasters = {lane: Forecaster(self.surroundings) for lane in (LANE, SLOW_LANE)}
        self.debounce = Debounce(self.surroundings.pace)

    async def look(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Put a job for each workspace whose changes have paused; called again and again."""
        rows = await (await connection.execute(CHANGED)).fetchall()
        due = self.debounce.take(dict(rows), monotonic())
        if self.debounce.has_pending:
            self._warm_up()
        for workspace_id in due:
            lane = SLOW_LANE if workspace_id in self.slow else LANE
            await put("reforecast", queue=lane, one_of=str(workspace_id), workspace_id=str(workspace_id))

    def _warm_up(self) -> None:
        """Start the process of the usual lane while changes go on."""
        _keep(asyncio.create_task(self.forecasters[LANE].warm_up()))

    def note_end(self, workspace_id: UUID, seconds: float) -> None:
        """Note how long a workspace took."""
        self.debounce.rest(workspace_id, seconds, monotonic())
        (self.slow.add if seconds > SLOW_SECONDS else self.slow.discard)(workspace_id)

    async def close(self) -> None:
        """End the processes."""
        for forecaster in self.forecasters.values():
            await forecaster.close()


@queue.task(name="reforecast", queue=LANE, pass_context=True)
async def reforecast(context: JobContext, workspace_id: str) -> None:
    """Forecast a workspace, and put what follows from a new forecast."""
    lanes: Lanes = context.additional_context[LANES]
    workspace, started = UUID(workspace_id), monotonic()
    try:
        answer = await lanes.forecasters[context.job.queue].forecast(workspace)
    except OverBudget:
        answer = FAILED
        await asyncio.to_thread(_end_over_budget, lanes.surroundings.database_url, workspace)
    finally:
        lanes.note_end(workspace, monotonic() - started)
    if answer == WAITS:
        lanes.debounce.retry(workspace, monotonic())
    if answer.isdigit():
        for task in AFTER_FORECAST:
            await put(task, one_of=workspace_id, workspace_id=workspace_id)


def _end_over_budget(database_url: str, workspace_id: UUID) -> None:
    logging.getLogger(__name__).warning("The forecast of workspace %s took too long", workspace_id)
    with task_connection(database_url, APPLICATION_NAME) as connection:
        connection.execute(END_OVER_BUDGET, [TOO_SLOW, workspace_id])


_background: set[asyncio.Task[None]] = set()


def _keep(task: asyncio.Task[None]) -> None:
    """Keep a reference until the task is done: the loop has none."""
    _background.add(task)
    task.add_done_callback(_background.discard)
