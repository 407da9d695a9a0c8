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

from forecasting.jobs.queue import HEARTBEAT_SECONDS, STALLED_SECONDS, open_queue, queue
from forecasting.jobs.schema import install_schema
from forecasting.jobs.stalled import retry_stalled
from forecasting.jobs.surroundings import KEY, Surroundings
from forecasting.jobs.watch import watch
from forecasting.nightly.database import DatabaseProblem, connect

CONCURRENCY = 8
FETCH_SECONDS = 2.0  # jobs are announced, but not those for later, nor before the worker listens
RECONNECT_SECONDS = 2.0
STOP_SECONDS = 10.0
LOST = (ConnectorException, psycopg.OperationalError, DatabaseProblem)


def run_worker(surroundings: Surroundings, ends_with_parent: bool = False) -> NoReturn:
    """Work until SIGTERM or SIGINT, or with a parent until it closes standard input; ends the process."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    asyncio.run(_run_process(Worker(surroundings), ends_with_parent))
    sys.stdout.flush()
    os._exit(0)  # a task in a thread cannot be stopped; it is done again


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
            parts = [self._fetch(), watch(self.surroundings, queue), _mind_stalled()]
            await _run_until(self.stop, parts)

    def _install(self) -> None:
        with connect(self.surroundings.database_url) as connection:
            install_schema(connection)

    async def _fetch(self) -> None:
        await queue.run_worker_async(
            concurrency=CONCURRENCY,
            fetch_job_polling_interval=FETCH_SECONDS,
            abort_job_polling_interval=3600.0,
            shutdown_graceful_timeout=STOP_SECONDS,
            delete_jobs="always",
            additional_context={KEY: self.surroundings},
            install_signal_handlers=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
        )

    def _tell(self, problem: Exception) -> None:
        """Name an outage once, however long it lasts."""
        if not self.is_lost:
            logging.getLogger(__name__).warning("The database does not answer; trying again. %s", problem)
        self.is_lost = True


async def _run_until(stop: asyncio.Event, parts: list[Coroutine[Any, Any, None]]) -> None:
    """Run all parts until one ends or a stop is requested; then end the others, and raise what failed."""
    tasks = [asyncio.create_task(part) for part in parts]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
    for task in [*tasks, stopping]:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


async def _mind_stalled() -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        await retry_stalled()
