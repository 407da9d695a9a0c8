"""Several of each program behind a balancer, and what uses them: browsers, senders and jobs."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
from psycopg.types.json import Jsonb

from tally.local.stack import Stack
from tests.api.retrying import send_until_taken
from tests.processes.balancer import Balancer, balance
from tests.processes.programs import Program
from tests.shared_state import web_database_url

TASK = "budgets of a workspace"
PAUSE_SECONDS, THREADS = 0.2, 4


@dataclass(frozen=True)
class Fleet:
    """The processes, in the order of their names."""

    web: list[Program]
    api: list[Program]
    workers: list[Program]
    balancer: Balancer

    @property
    def all(self) -> list[Program]:
        """Every process."""
        return [*self.web, *self.api, *self.workers]


@contextmanager
def running_fleet(stack: Stack, folder: Path, each: int, workers: int = 2) -> Iterator[Fleet]:
    """Start as many processes for pages and for programs, and workers."""
    settings, balancer = stack.settings(), Balancer()
    shared = {"TALLY_PROCESSES": "several", "TALLY_DRAIN_SECONDS": "1", "FORWARDED_ALLOW_IPS": "127.0.0.1"}
    pages = shared | {
        "SUPABASE_URL": settings["SUPABASE_URL"],
        "SUPABASE_PUBLISHABLE_KEY": settings["SUPABASE_PUBLISHABLE_KEY"],
        "TALLY_WEB_DATABASE_URL": web_database_url(settings["DATABASE_URL"]),
        "APP_ORIGIN": balancer.web,
    }
    keys = shared | {"API_DATABASE_URL": settings["API_DATABASE_URL"]}
    work = shared | {"DATABASE_URL": settings["DATABASE_URL"], "EXCHANGE_RATES_URL": "off"}
    fleet = Fleet(
        [Program(["app.server"], folder / f"web-{nth}", **pages) for nth in range(each)],
        [Program(["api"], folder / f"api-{nth}", **keys) for nth in range(each)],
        [Program(["forecasting", "worker"], folder / f"worker-{nth}", **work) for nth in range(workers)],
        balancer,
    )
    try:
        for program in fleet.all:
            program.start()
        for program in fleet.all:
            program.wait()
        with balance(balancer, folder, fleet.web, fleet.api):
            yield fleet
    finally:
        for program in fleet.all:
            program.end()


@dataclass
class Visitor:
    """A signed-in browser without a screen, which asks again and again for what needs a session."""

    client: httpx.Client
    answers: int = 0
    signed_out: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Ask once for a page and once for data."""
        for path, accepted in (("/", "text/html"), ("/jump", "application/json")):
            try:
                answer = self.client.get(path, headers={"accept": accepted})
            except httpx.HTTPError as problem:
                self.failures.append(f"{path}: {problem!r}")
                continue
            if answer.status_code in (303, 401):
                self.signed_out.append(f"{path}: {answer.status_code} {answer.headers.get('location', '')}")
            elif answer.status_code != 200:
                self.failures.append(f"{path}: {answer.status_code} {answer.text[:200]}")
            else:
                self.answers += 1


@contextmanager
def looking(visitors: list[Visitor]) -> Iterator[None]:
    """Let the visitors look around in the background."""
    ends = threading.Event()

    def look_around(visitor: Visitor) -> None:
        while not ends.wait(PAUSE_SECONDS):
            visitor.look()

    with ThreadPoolExecutor(len(visitors)) as pool:
        running = [pool.submit(look_around, visitor) for visitor in visitors]
        try:
            yield
        finally:
            ends.set()
            for each in running:
                each.result()


class Senders:
    """Programs that send numbered calls, each until it is taken, without an end."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self._ends, self._next, self._lock = threading.Event(), 0, threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS)
        self._running = [self._pool.submit(self._send) for _ in range(THREADS)]

    def stop(self) -> int:
        """Finish what was begun, and return the number of calls; raises the error of a sender."""
        self._ends.set()
        for each in self._running:
            each.result()
        self._pool.shutdown()
        return self._next

    @property
    def sent(self) -> int:
        """The number of calls that were begun."""
        return self._next

    def _send(self) -> None:
        with httpx.Client(headers={"authorization": f"Bearer {self._key}"}, timeout=10) as client:
            while not self._ends.is_set():
                with self._lock:
                    self._next += 1
                    number = self._next
                send_until_taken(client, self._url, number)


def put_jobs(database: psycopg.Connection[Any], count: int) -> None:
    """Put jobs into the queue, each about a workspace of its own that has nothing to do."""
    with database.transaction():
        database.execute("set local search_path = jobs")
        for _ in range(count):
            database.execute(
                """insert into procrastinate_jobs (queue_name, task_name, args, lock)
                values (%(task)s, %(task)s, %(args)s, %(lock)s)""",
                {"task": TASK, "args": Jsonb({"workspace_id": str(uuid4())}), "lock": str(uuid4())},
            )


def count_jobs(database: psycopg.Connection[Any]) -> int:
    """The number of these jobs that were not done to their end."""
    query = "select from jobs.procrastinate_jobs as j where j.task_name = %s"
    return database.execute(query, [TASK]).rowcount


def has_queue(database: psycopg.Connection[Any]) -> bool:
    """True once a worker made its queue."""
    found = database.execute("select to_regclass('jobs.procrastinate_jobs') is not null").fetchone()
    return bool(found and found[0])


def wait_until(is_true: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
