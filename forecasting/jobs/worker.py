"""The worker: fetches jobs and does them, starts what is due, and watches for changes."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NoReturn

import psycopg
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker as Fetcher

from forecasting.jobs.queue import HEARTBEAT_SECONDS, STALLED_SECONDS, load_tasks, open_queue, queue
from forecasting.jobs.reforecasting import LANE, LANES, SLOW_LANE, Lanes
from forecasting.jobs.schema import NewerQueue, install_schema
from forecasting.jobs.stalled import retry_stalled
from forecasting.jobs.surroundings import KEY, Surroundings
from forecasting.jobs.watch import watch
from forecasting.nightly.database import DatabaseProblem, connect
from tally.serving.schema_state import SchemaProblem, check_schema

JOBS_AT_ONCE = 8  # besides one in each lane
FETCH_CHECKS = 5  # jobs are announced, but not those for later, nor before the worker listens
RECONNECT_SECONDS = 2.0
STOP_SECONDS = 3.0  # for jobs to end by themselves
SCHEMA_SECONDS = 30.0
WAITS = (SchemaProblem, NewerQueue)  # for another version of Tally
LOST = (ConnectorException, psycopg.OperationalError, DatabaseProblem, *WAITS)


def run_worker(surroundings: Surroundings, ends_with_parent: bool = False) -> NoReturn:
    """Work until SIGTERM or SIGINT, or with a parent until it closes standard input; ends the process."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)
    for handler in logging.getLogger().handlers:
        handler.addFilter(lambda record: not _is_outage(record))
    asyncio.run(_run_process(Worker(surroundings), ends_with_parent))
    sys.stdout.flush()
    os._exit(0)  # a task in a thread cannot be stopped; it is done again


def _is_outage(record: logging.LogRecord) -> bool:
    """True for the many traces that a lost database leaves; it is named once."""
    return bool(record.exc_info and isinstance(record.exc_info[1], ConnectorException))


async def _run_process(worker: "Worker", ends_with_parent: bool) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop.set)
    if ends_with_parent:
        loop.add_reader(sys.stdin.fileno(), worker.stop.set)
    await worker.run()


class Worker:
    """One worker: its stop request, and the connections that come and go with the database."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings
        self.stop = asyncio.Event()
        self.is_lost = False

    async def run(self) -> None:
        """Work until a stop is requested, and begin again whenever the database was gone."""
        while not self.stop.is_set():
            try:
                await self._work()
            except LOST as problem:
                self._tell(problem)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), RECONNECT_SECONDS)

    async def _work(self) -> None:
        await asyncio.to_thread(self._install)
        self.is_lost = False
        async with open_queue(self.surroundings.database_url):
            await retry_stalled()
            lanes = Lanes(self.surroundings)
            apart = {LANE, SLOW_LANE}
            fetchers = [self._make_fetcher(load_tasks() - apart, JOBS_AT_ONCE, lanes)]
            fetchers += [self._make_fetcher({lane}, 1, lanes) for lane in sorted(apart)]
            others = [watch(self.surroundings, lanes), _mind_stalled(), self._mind_schema()]
            try:
                await _run_until(self.stop, fetchers, others)
            finally:
                await lanes.close()

    def _install(self) -> None:
        with connect(self.surroundings.database_url) as connection:
            check_schema(connection)
            install_schema(connection)

    async def _mind_schema(self) -> None:
        """Raise SchemaProblem once the schema no longer serves this version: newer workers do the rest."""
        while True:
            await asyncio.sleep(SCHEMA_SECONDS)
            await asyncio.to_thread(self._check_schema)

    def _check_schema(self) -> None:
        with connect(self.surroundings.database_url) as connection:
            check_schema(connection)

    def _make_fetcher(self, queues: set[str], at_once: int, lanes: Lanes) -> Fetcher:
        return Fetcher(
            queue,
            queues=sorted(queues),
            concurrency=at_once,
            fetch_job_polling_interval=FETCH_CHECKS * self.surroundings.pace.check_seconds,
            abort_job_polling_interval=3600.0,
            shutdown_graceful_timeout=STOP_SECONDS,
            delete_jobs="always",
            additional_context={KEY: self.surroundings, LANES: lanes},
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
        )

    def _tell(self, problem: Exception) -> None:
        """Name an outage once, however long it lasts."""
        if not self.is_lost:
            reason = (
                "Waiting." if isinstance(problem, WAITS) else "The database does not answer; trying again."
            )
            logging.getLogger(__name__).warning("%s %s", reason, problem)
        self.is_lost = True


async def _run_until(
    stop: asyncio.Event, fetchers: list[Fetcher], others: list[Coroutine[Any, Any, None]]
) -> None:
    """Run all parts until one ends or a stop is requested; then end the others, and raise what failed."""
    fetching = [asyncio.create_task(fetcher.run()) for fetcher in fetchers]  # type: ignore[no-untyped-call]
    watching = [asyncio.create_task(other) for other in others]
    stopping = asyncio.create_task(stop.wait())
    parts = [*fetching, *watching]
    await asyncio.wait([*parts, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    for fetcher in fetchers:
        # Not cancelled: a cancellation can be lost while one starts.
        fetcher.stop()  # type: ignore[no-untyped-call]
    pending: set[asyncio.Task[None]] = set(parts)
    for task in watching:
        task.cancel()
    for seconds in (STOP_SECONDS + 2, 2):
        if pending:
            _, pending = await asyncio.wait(pending, timeout=seconds)
        for task in pending:
            task.cancel()
    for task in parts:
        if task.done() and not task.cancelled() and (problem := task.exception()):
            raise problem


async def _mind_stalled() -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await retry_stalled()
