"""The queue itself: jobs in Postgres, in the schema `jobs`.

Modules with tasks register them here (`@queue.task`, `@queue.periodic`) and are named in TASK_MODULES. A task
is done again when its worker was killed, so it must be safe to repeat, and it must find in Tally's own tables
what there is to do: jobs of another version of the queue are dropped.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.jobs import DEFAULT_QUEUE

from tally.storage.idle import end_idle_transactions_async

APPLICATION_NAME = "tally worker"
TASK_MODULES = (
    "forecasting.jobs.scheduled",
    "forecasting.jobs.folding",
    "forecasting.jobs.reforecasting",
    "forecasting.jobs.budgets",
    "forecasting.jobs.model_alerts",
    "forecasting.jobs.delivering",
    "forecasting.jobs.digests",
    "forecasting.jobs.prompts",
    "forecasting.jobs.shipping",
)
# Of one process; the stack on one machine allows 60 connections in all.
MAX_CONNECTIONS = 4
CONNECT_SECONDS = 10

HEARTBEAT_SECONDS = 5.0
STALLED_SECONDS = 20.0  # without a heartbeat, a worker is taken for dead

queue = App(connector=PsycopgConnector(), import_paths=TASK_MODULES)


def queue_of(task_name: str) -> str:
    """The queue of a task: one of its own, unless it names another.

    So a worker fetches jobs of tasks that it knows alone: those of a newer version are left for its workers.
    """
    task = queue.tasks.get(task_name)
    return task_name if task is None or task.queue == DEFAULT_QUEUE else task.queue


def load_tasks() -> set[str]:
    """Load all tasks and return the names of their queues."""
    queue.perform_import_paths()  # type: ignore[no-untyped-call]
    for name, task in queue.tasks.items():
        task.queue = queue_of(name)
    return {task.queue for task in queue.tasks.values()}


@asynccontextmanager
async def open_queue(database_url: str) -> AsyncIterator[App]:
    """Connect the queue to a database that has its schema."""
    connector = PsycopgConnector(
        conninfo=database_url,
        kwargs={"application_name": APPLICATION_NAME, "connect_timeout": CONNECT_SECONDS},
        configure=_use_schema,
        min_size=1,
        max_size=MAX_CONNECTIONS,
        timeout=CONNECT_SECONDS,
    )
    with queue.replace_connector(connector):
        async with queue.open_async():
            yield queue


async def _use_schema(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute("set search_path = jobs")
    await end_idle_transactions_async(connection)
    await connection.commit()
