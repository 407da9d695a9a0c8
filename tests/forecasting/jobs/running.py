"""A worker that runs in a thread of the test, on the test's database."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from forecasting.jobs.debounce import Pace
from forecasting.jobs.surroundings import Surroundings
from forecasting.jobs.worker import Worker
from tests.database_fixtures import Project
from tests.supabase.parts import eventually

QUICK = Pace(0.05, 0.05, 0.5, 1)


@dataclass
class Running:
    """The worker, what it told the operator, and the problems for which it began again."""

    events: list[str] = field(default_factory=list)
    problems: list[Exception] = field(default_factory=list)

    def waits_for(self, kind: type[Exception]) -> bool:
        """True once the worker met such a problem twice: it waits."""
        eventually(lambda: len(self.problems) > 1)
        return all(isinstance(each, kind) for each in self.problems[-2:])


class Watched(Worker):
    """A worker whose problems are noted."""

    def __init__(self, surroundings: Surroundings, running: Running) -> None:
        super().__init__(surroundings)
        self._running = running

    def _tell(self, problem: Exception) -> None:
        self._running.problems.append(problem)
        super()._tell(problem)


@contextmanager
def running_worker(project: Project, pace: Pace = QUICK) -> Iterator[Running]:
    """Work in the background until the end of the block."""
    running = Running()
    url = project.cluster.url(project.name)
    tomorrow = datetime.now().astimezone() + timedelta(days=1)  # nothing is caught up before
    surroundings = Surroundings(url, notify=running.events.append, pace=pace, started_at=tomorrow)
    started = threading.Event()
    workers: list[tuple[Worker, asyncio.AbstractEventLoop]] = []

    async def work() -> None:
        worker = Watched(surroundings, running)
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
