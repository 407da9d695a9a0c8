"""The nightly run and the nightly backup: started when they are due, or were missed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from procrastinate import JobContext

from forecasting.jobs.children import Program, run_program
from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import Surroundings, surroundings_of
from tally.local import nightly
from tally.local.home import Home

EVERY_MINUTE = "* * * * *"
RETRY_DELAY = timedelta(hours=1)
# A missed run is caught up after the first pages are served, not while they load.
START_DELAY = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A program that runs once a night; `partial_code` is the exit code that is not worth a retry."""

    name: str
    title: str
    command: Callable[[], list[str]]
    is_due: Callable[[Surroundings, datetime], bool]
    partial_code: int | None = None

    async def run_if_due(self, surroundings: Surroundings, now: datetime) -> int | None:
        """Run it, tell how it ended and return its exit code; None if it is not due."""
        waits_until = surroundings.retry_at.get(self.name, surroundings.started_at + START_DELAY)
        if now < waits_until or not await asyncio.to_thread(self._is_due, surroundings, now):
            return None
        code = await run_program(Program(self.name, self.command()), surroundings)
        surroundings.retry_at.pop(self.name, None)
        if code not in (0, self.partial_code):
            surroundings.retry_at[self.name] = now + RETRY_DELAY
        surroundings.notify(self._describe_end(code, surroundings.home))
        return code

    def _is_due(self, surroundings: Surroundings, now: datetime) -> bool:
        try:
            return self.is_due(surroundings, now)
        except psycopg.Error:
            return False  # the database may be restarting; checked again in a minute

    def _describe_end(self, code: int, home: Home | None) -> str:
        see = f" See {home.logs / self.name}.log." if home else ""
        if code == 0:
            return f"The {self.title} succeeded."
        if code == self.partial_code:
            return f"The {self.title} is done, with problems of some accounts.{see}"
        return f"The {self.title} failed with exit code {code}; retrying in an hour.{see}"


def is_nightly_due(surroundings: Surroundings, now: datetime) -> bool:
    """True while the latest scheduled run has not succeeded, and there is anything to forecast."""
    url = surroundings.database_url
    now += nightly.load_clock_lead(url)  # what other workers did is told by the database's clock
    return nightly.is_due(now, nightly.load_last_success(url, now)) and nightly.has_records(url)


def is_backup_due(surroundings: Surroundings, now: datetime) -> bool:
    """True while there is no backup of the latest scheduled time, and there is anything to back up."""
    if surroundings.home is None or not surroundings.makes_backups:
        return False
    if not nightly.is_backup_missing(surroundings.home, now):
        return False
    return nightly.has_accounts(surroundings.database_url)


NIGHTLY = Scheduled(
    "nightly", "nightly run", lambda: nightly.nightly_command(), is_nightly_due, nightly.PARTIAL
)
BACKUP = Scheduled("backup", "nightly backup", lambda: nightly.backup_command(), is_backup_due)


@queue.periodic(cron=EVERY_MINUTE)
@queue.task(name="nightly", queueing_lock="nightly", lock="nightly", pass_context=True)
async def run_nightly(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """The nightly run, if it is due."""
    await NIGHTLY.run_if_due(surroundings_of(context), datetime.now().astimezone())


@queue.periodic(cron=EVERY_MINUTE)
@queue.task(name="backup", queueing_lock="backup", lock="backup", pass_context=True)
async def run_backup(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """The nightly backup, if it is due."""
    await BACKUP.run_if_due(surroundings_of(context), datetime.now().astimezone())
