"""A worker that runs in a thread of the test, on the test's database."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from forecasting.jobs.surroundings import Surroundings
from forecasting.jobs.worker import Worker
from tests.database_fixtures import Project

QUICK_SECONDS = 0.05


@dataclass
class Running:
    """The worker and what it told the operator."""

    events: list[str] = field(default_factory=list)


@contextmanager
def running_worker(project: Project, check_seconds: float = QUICK_SECONDS) -> Iterator[Running]:
    """Work in the background until the end of the block."""
    running = Running()
    url = project.cluster.url(project.name)
    surroundings = Surroundings(url, notify=running.events.append, check_seconds=check_seconds)
    started = threading.Event()
    workers: list[tuple[Worker, asyncio.AbstractEventLoop]] = []

    async def work() -> None:
        worker = Worker(surroundings)
        workers.append((worker, asyncio.get_running_loop()))
        started.set()
        await worker.run()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    started.wait()
    try:
        yield running
    finally:
        [(worker, loop)] = workers
        loop.call_soon_threadsafe(worker.stop.set)
        thread.join()
