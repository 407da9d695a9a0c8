"""Schedule of the nightly run on this machine, and the run itself as a child process."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import psycopg

from tally.backups.retention import last_nightly
from tally.core.paths import CHECKOUT
from tally.core.schedule import last_due
from tally.local import processes
from tally.local.home import Home
from tally.local.logs import open_log

CHECK_INTERVAL = timedelta(minutes=1)
RETRY_DELAY = timedelta(hours=1)
PARTIAL = 3  # done but for some accounts, which would fail again
# A missed run is caught up after the first pages are served, not while they load.
START_DELAY = timedelta(seconds=20)
MODULE = "forecasting"  # also identifies the process in the process table

# Runs for earlier dates do not count, however recent they are.
LAST_SUCCESS = """
select max(finished_at)
from public.job_runs
where status in ('done', 'partial') and workspace_id is null and day >= %s"""


def is_due(now: datetime, last_success: datetime | None) -> bool:
    """True while the latest scheduled run has not succeeded."""
    return last_success is None or last_success < last_due(now)


def load_last_success(database_url: str, now: datetime) -> datetime | None:
    """End of the latest successful run that covers the last due time, or None."""
    since = last_due(now).date() - timedelta(days=1)
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        row = connection.execute(LAST_SUCCESS, [since]).fetchone()
    return row[0] if row else None


def has_records(database_url: str) -> bool:
    """True if there is anything to forecast."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        return connection.execute("select from public.cost_records limit 1").rowcount > 0


def has_accounts(database_url: str) -> bool:
    """True if there is anything to back up."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        return connection.execute("select from auth.users limit 1").rowcount > 0


def nightly_command(arguments: Sequence[str] = ()) -> list[str]:
    """Command line of the nightly run, scheduled or by hand."""
    return [sys.executable, "-m", MODULE, *arguments]


class Scheduler:
    """Starts the nightly run when it is due or was missed; a failure does not end `tally up`."""

    name = "nightly"  # of its log and of its record
    title = "nightly run"
    partial_code: int | None = PARTIAL

    def __init__(self, home: Home, settings: dict[str, str], notify: Callable[[str], None]) -> None:
        self.home, self.settings, self.notify = home, settings, notify
        self.pid_file = home.run / f"{self.name}.pid"
        self.process: subprocess.Popen[bytes] | None = None
        self.check_at = datetime.now().astimezone() + START_DELAY

    def poll(self, now: datetime | None = None) -> None:
        """Start the run when it is due, and report how it ended. Called several times a second."""
        now = now or datetime.now().astimezone()
        if self.process is not None:
            self._check_process(now)
        elif now >= self.check_at:
            self.check_at = now + CHECK_INTERVAL
            if self._is_due(now):
                self._start()

    def stop(self) -> None:
        """Terminate a running job; it records that it was interrupted."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.pid_file.unlink(missing_ok=True)

    def command(self) -> list[str]:
        """Command line of the run."""
        return nightly_command()

    def _is_due(self, now: datetime) -> bool:
        database_url = self.settings["DATABASE_URL"]
        try:
            return is_due(now, load_last_success(database_url, now)) and has_records(database_url)
        except psycopg.Error:
            return False  # the database may be restarting; checked again in a minute

    def _start(self) -> None:
        with open_log(self.home, self.name) as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                self.command(),
                cwd=CHECKOUT,
                env={**os.environ, **self.settings, "TALLY_HOME": str(self.home.path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        processes.record(self.pid_file, self.process.pid)

    def _check_process(self, now: datetime) -> None:
        code = self.process.poll() if self.process else None
        if code is None:
            return
        self.process = None
        self.pid_file.unlink(missing_ok=True)
        log = self.home.logs / f"{self.name}.log"
        if code == 0:
            self.notify(f"The {self.title} succeeded.")
        elif code == self.partial_code:
            self.notify(f"The {self.title} is done, with problems of some accounts. See {log}.")
        else:
            self.check_at = now + RETRY_DELAY
            self.notify(f"The {self.title} failed with exit code {code}; retrying in an hour. See {log}.")


class BackupScheduler(Scheduler):
    """Starts the nightly backup when it is due or was missed."""

    name = "backup"
    title = "nightly backup"
    partial_code = None

    def command(self) -> list[str]:
        """Command line of the backup."""
        return [sys.executable, "-m", "tally", "backup", "--nightly"]

    def _is_due(self, now: datetime) -> bool:
        files = self.home.backups.iterdir() if self.home.backups.is_dir() else ()
        last = last_nightly(file.name for file in files)
        if last is not None and last >= last_due(now.astimezone()).replace(tzinfo=None):
            return False
        try:
            return has_accounts(self.settings["DATABASE_URL"])
        except psycopg.Error:
            return False  # the database may be restarting; checked again in a minute


def end_leftover(home: Home) -> None:
    """End the nightly run and the nightly backup of a `tally up` that was killed."""
    processes.end_recorded(home.run / f"{Scheduler.name}.pid", MODULE)
    processes.end_recorded(home.run / f"{BackupScheduler.name}.pid", "--nightly")
