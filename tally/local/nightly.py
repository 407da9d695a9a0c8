"""The nightly run and the nightly backup: when they are due, and their command lines."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

import psycopg

from tally.backups.retention import last_nightly
from tally.core.schedule import last_due
from tally.local import processes
from tally.local.home import Home

PARTIAL = 3  # done but for some accounts, which would fail again
MODULE = "forecasting"  # also identifies the process in the process table

# Runs for earlier dates do not count, however recent they are.
LAST_SUCCESS = """
select max(finished_at)
from public.job_runs
where status in ('done', 'partial') and workspace_id is null and day >= %s"""


def is_due(now: datetime, last_success: datetime | None, zone: tzinfo | None = None) -> bool:
    """True while the latest scheduled run, by the clocks of a zone or this machine, has not succeeded."""
    return last_success is None or last_success < last_due(now, zone)


def load_last_success(database_url: str, now: datetime) -> datetime | None:
    """End of the latest successful run that covers the last due time, or None."""
    since = last_due(now).date() - timedelta(days=1)
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        row = connection.execute(LAST_SUCCESS, [since]).fetchone()
    return row[0] if row else None


def load_clock_lead(database_url: str) -> timedelta:
    """By how much the database's clock is ahead of this machine's."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        row = connection.execute("select clock_timestamp()").fetchone()
    return row[0] - datetime.now(UTC) if row else timedelta()


def has_records(database_url: str) -> bool:
    """True if there is anything to forecast."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        return connection.execute("select from public.cost_records limit 1").rowcount > 0


def has_accounts(database_url: str) -> bool:
    """True if there is anything to back up."""
    with psycopg.connect(database_url, connect_timeout=5) as connection:
        return connection.execute("select from auth.users limit 1").rowcount > 0


def is_backup_missing(home: Home, now: datetime) -> bool:
    """True while the latest scheduled backup has not been made."""
    files = home.backups.iterdir() if home.backups.is_dir() else ()
    last = last_nightly(file.name for file in files)
    return last is None or last < last_due(now).replace(tzinfo=None)


def nightly_command(arguments: Sequence[str] = ()) -> list[str]:
    """Command line of the nightly run, scheduled or by hand."""
    return [sys.executable, "-m", MODULE, *arguments]


def backup_command() -> list[str]:
    """Command line of the nightly backup."""
    return [sys.executable, "-m", "tally", "backup", "--nightly"]


def end_leftover(home: Home) -> None:
    """End the nightly run and the nightly backup of a worker that was killed."""
    processes.end_recorded(home.run / "nightly.pid", MODULE)
    processes.end_recorded(home.run / "backup.pid", "--nightly")
