"""When the nightly job is due on this machine, and running it as a child process."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import psycopg

from tally.core.schedule import last_due
from tally.core.settings import CHECKOUT
from tally.local import processes
from tally.local.home import Home, open_log

ASK_AGAIN = timedelta(minutes=1)
TRY_AGAIN = timedelta(hours=1)
# A missed night is caught up after the first pages are served, not while they load.
AFTER_START = timedelta(seconds=20)
MARK = "forecasting"

# A replay of some earlier night, however recent, is not this night's success.
LAST_SUCCESS = """
select max(finished_at)
from public.job_runs
where status = 'done' and user_id is null and night >= %s"""


def is_due(now: datetime, last_success: datetime | None) -> bool:
    """Whether the last night was missed, or has just begun."""
    return last_success is None or last_success < last_due(now)


def load_last_success(database_url: str, now: datetime) -> datetime | None:
    """When a whole night last ended well, of those that could cover the last due time."""
    since = last_due(now).date() - timedelta(days=1)
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        row = connection.execute(LAST_SUCCESS, [since]).fetchone()
    return row[0] if row else None


def has_records(database_url: str) -> bool:
    """Whether there is anything that a night could say something about."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        return connection.execute("select from public.cost_records limit 1").rowcount > 0


def nightly_command(arguments: Sequence[str] = ()) -> list[str]:
    """How the job is run, here and by hand."""
    return [sys.executable, "-m", MARK, *arguments]


class Scheduler:
    """Runs the job once a night and catches up a missed one; nothing that fails in it ends `tally up`."""

    def __init__(self, home: Home, settings: dict[str, str], say: Callable[[str], None]) -> None:
        self.home, self.settings, self.say = home, settings, say
        self.pid_file = home.run / "nightly.pid"
        self.process: subprocess.Popen[bytes] | None = None
        self.ask_at = datetime.now().astimezone() + AFTER_START

    def tend(self, now: datetime | None = None) -> None:
        """Called several times a second: start the job when it is due, say how it ended."""
        now = now or datetime.now().astimezone()
        if self.process is not None:
            self._look_after(now)
        elif now >= self.ask_at:
            self.ask_at = now + ASK_AGAIN
            if self._is_due(now):
                self._start()

    def stop(self) -> None:
        """Ask a running job to stop; it records that it was interrupted."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.pid_file.unlink(missing_ok=True)

    def _is_due(self, now: datetime) -> bool:
        database_url = self.settings["DATABASE_URL"]
        try:
            return is_due(now, load_last_success(database_url, now)) and has_records(database_url)
        except psycopg.Error:
            return False  # the database is just being started again; asked again in a minute

    def _start(self) -> None:
        with open_log(self.home, "nightly") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own program
                nightly_command(),
                cwd=CHECKOUT,
                env={**os.environ, **self.settings, "TALLY_HOME": str(self.home.path)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        processes.record(self.pid_file, self.process.pid)

    def _look_after(self, now: datetime) -> None:
        code = self.process.poll() if self.process else None
        if code is None:
            return
        self.process = None
        self.pid_file.unlink(missing_ok=True)
        if code == 0:
            self.say("The nightly job is done.")
        else:
            self.ask_at = now + TRY_AGAIN
            log = self.home.logs / "nightly.log"
            self.say(f"The nightly job ended with code {code}; {log} says why. Next try in an hour.")


def end_leftover(home: Home) -> None:
    """End the job of a run that was killed."""
    processes.end_recorded(home.run / "nightly.pid", MARK)
