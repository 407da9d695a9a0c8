"""The nightly run and the nightly backup start once a night, and a missed one is caught up."""

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from forecasting.jobs.scheduled import BACKUP, NIGHTLY, Scheduled
from forecasting.jobs.surroundings import Surroundings
from tally.backups.archive import Archive
from tally.backups.retention import Reason, backup_name
from tally.core.schedule import last_due, next_due
from tally.local import nightly
from tally.local.nightly import is_due, load_last_success
from tally.local.stack import Stack
from tests.database_fixtures import Connection, add_user, make_months
from tests.every_case import every_case
from tests.supabase.parts import connect

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

ADD_RECORD = """
insert into public.cost_records (workspace_id, user_id, provider_id, timestamp, model_name, cost_usd)
select %(user_id)s, %(user_id)s, id, %(timestamp)s, 'some-model', 1
from public.providers
where name = 'openai'"""


@pytest.fixture
def no_runs(stack: Stack) -> Iterator[None]:
    with connect(stack) as connection:
        connection.execute("delete from public.job_runs")
    yield
    with connect(stack) as connection:
        connection.execute("delete from public.job_runs")


@pytest.fixture
def some_spend(stack: Stack) -> Iterator[None]:
    with connect(stack) as connection:
        user_id = add_user(connection)
        make_months(connection, NOON.date())
        connection.execute(ADD_RECORD, {"user_id": user_id, "timestamp": NOON})
    yield
    with connect(stack) as connection:
        connection.execute("delete from auth.users where id = %s", [user_id])


def record_run(stack: Stack, finished: datetime, status: str = "done", day: datetime | None = None) -> None:
    with connect(stack) as connection:
        connection.execute(
            "insert into public.job_runs (run_id, day, started_at, finished_at, status)"
            " values (%s, %s, %s, %s, %s)",
            [uuid4(), (day or finished).date(), finished, finished, status],
        )


@pytest.fixture
def events() -> list[str]:
    return []


@pytest.fixture
def surroundings(stack: Stack, events: list[str]) -> Surroundings:
    """Those of a worker that has just started."""
    url = stack.settings()["DATABASE_URL"]
    return Surroundings(url, stack.home, makes_backups=True, notify=events.append)


def stub(*command: str) -> Scheduled:
    """The nightly run with another program."""
    return replace(NIGHTLY, command=lambda: list(command))


def run_at(scheduled: Scheduled, surroundings: Surroundings, minutes: float) -> int | None:
    """The exit code of a run at this time after the worker's start; None if it was not due."""
    now = surroundings.started_at + timedelta(minutes=minutes)
    return asyncio.run(scheduled.run_if_due(surroundings, now))


@every_case(
    [
        ("2026-11-20 03:14:59", "2026-11-19 03:15:00"),
        ("2026-11-20 03:15:00", "2026-11-20 03:15:00"),
        ("2026-11-20 23:59:59", "2026-11-20 03:15:00"),
        ("2026-11-21 00:00:00", "2026-11-20 03:15:00"),
    ]
)
def test_last_due_time_is_a_quarter_past_three(now: str, due: str) -> None:
    assert last_due(datetime.fromisoformat(now + "+00:00"), UTC) == datetime.fromisoformat(due + "+00:00")


def test_next_due_time_is_in_the_future() -> None:
    assert next_due(NOON, UTC) == datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


@every_case(
    [
        ("Europe/Berlin", "2026-03-28", ["03:15 CEST", "03:15 CEST"]),
        ("Europe/Berlin", "2026-10-24", ["03:15 CET", "03:15 CET"]),
        ("America/New_York", "2026-03-07", ["03:15 EDT", "03:15 EDT"]),
        ("America/New_York", "2026-10-31", ["03:15 EST", "03:15 EST"]),
        ("Europe/Helsinki", "2026-03-28", ["04:15 EEST", "03:15 EEST"]),  # clocks jump over 03:15
        ("Europe/Helsinki", "2026-10-24", ["03:15 EEST", "03:15 EET"]),  # and show it twice
        ("Pacific/Kiritimati", "2026-03-28", ["03:15 +14", "03:15 +14"]),
        ("Pacific/Pago_Pago", "2026-10-24", ["03:15 SST", "03:15 SST"]),
    ]
)
def test_each_night_is_due_once_however_clocks_jump(zone: str, day: str, runs: list[str]) -> None:
    clocks = ZoneInfo(zone)
    now = datetime.fromisoformat(f"{day}T03:16").replace(tzinfo=clocks).astimezone(UTC)
    success, promised, started = now, next_due(now, clocks), []
    for _ in range(49 * 60):  # the worker looks every minute
        now += timedelta(minutes=1)
        if is_due(now, success, clocks):
            assert now == promised.astimezone(UTC)
            started.append(now.astimezone(clocks))
            success, promised = now + timedelta(seconds=20), next_due(now, clocks)
    assert [f"{each:%H:%M %Z}" for each in started] == runs


@every_case(
    [(None, True), (NOON - timedelta(days=1), True), (NOON - timedelta(hours=8), False), (NOON, False)]
)
def test_night_is_due_when_the_last_success_is_older(last_success: datetime | None, due: bool) -> None:
    assert is_due(NOON, last_success, UTC) is due


@pytest.mark.usefixtures("no_runs")
def test_nights_are_asked_of_the_database(stack: Stack) -> None:
    url = stack.settings()["DATABASE_URL"]
    assert load_last_success(url, NOON) is None
    record_run(stack, NOON, status="failed")
    assert load_last_success(url, NOON) is None
    record_run(stack, NOON, day=NOON - timedelta(days=30))
    assert load_last_success(url, NOON) is None, "a replay of another night does not count"
    record_run(stack, NOON)
    assert load_last_success(url, NOON) == NOON


@pytest.mark.usefixtures("no_runs", "some_spend")
def test_missed_run_is_caught_up_once(stack: Stack, surroundings: Surroundings, events: list[str]) -> None:
    assert run_at(stub("true"), surroundings, 0) is None, "the first pages are served before"
    assert run_at(stub("true"), surroundings, 1) == 0
    assert events == ["The nightly run succeeded."]
    record_run(stack, datetime.now(UTC))
    assert run_at(stub("true"), surroundings, 5) is None


@pytest.mark.usefixtures("no_runs", "some_spend")
def test_failed_run_is_reported_and_retried_in_an_hour(surroundings: Surroundings, events: list[str]) -> None:
    assert run_at(stub("false"), surroundings, 1) == 1
    assert "failed with exit code 1; retrying in an hour" in events[0]
    assert run_at(stub("false"), surroundings, 60) is None
    assert run_at(stub("true"), surroundings, 62) == 0


@pytest.mark.usefixtures("no_runs", "some_spend")
def test_run_with_problems_of_some_accounts_is_not_repeated(
    stack: Stack, surroundings: Surroundings, events: list[str]
) -> None:
    assert run_at(stub("sh", "-c", "exit 3"), surroundings, 1) == 3
    assert "is done, with problems of some accounts" in events[0]
    record_run(stack, datetime.now(UTC), status="partial")
    assert run_at(stub("true"), surroundings, 62) is None
    assert len(events) == 1


@pytest.mark.usefixtures("no_runs")
def test_no_run_is_due_before_there_is_a_record(
    surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "has_records", lambda _: False)
    assert run_at(stub("true"), surroundings, 1) is None


def test_has_records_once_a_record_exists(database: Connection) -> None:
    assert not nightly.has_records(database.info.dsn)
    user_id = add_user(database)
    database.execute(ADD_RECORD, {"user_id": user_id, "timestamp": NOON})
    assert nightly.has_records(database.info.dsn)


def test_unreachable_database_starts_nothing(surroundings: Surroundings) -> None:
    gone = replace(surroundings, database_url="postgresql://postgres@127.0.0.1:1/postgres")
    assert run_at(stub("true"), gone, 1) is None


@pytest.mark.usefixtures("no_runs", "some_spend")
def test_stopping_terminates_a_running_program(surroundings: Surroundings, tmp_path: Path) -> None:
    """As the nightly run does, it can say that it was interrupted."""
    told = tmp_path / "told"
    script = (
        "import pathlib, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *_: (pathlib.Path({str(told)!r}).touch(), sys.exit()))\n"
        f"pathlib.Path({str(tmp_path / 'begun')!r}).touch()\n"
        "time.sleep(60)"
    )

    async def cancel() -> None:
        now = surroundings.started_at + timedelta(minutes=1)
        run = asyncio.create_task(stub(sys.executable, "-c", script).run_if_due(surroundings, now))
        while not (tmp_path / "begun").exists():
            await asyncio.sleep(0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    started = time.monotonic()
    asyncio.run(cancel())
    assert told.exists()
    assert time.monotonic() - started < 10


def test_backup_is_due_once_there_is_an_account(database: Connection) -> None:
    assert not nightly.has_accounts(database.info.dsn)
    add_user(database)
    assert nightly.has_accounts(database.info.dsn)


@pytest.mark.usefixtures("some_spend")
def test_nightly_backup_is_made_once_a_night_and_outdated_ones_go(
    stack: Stack, surroundings: Surroundings, events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**stack.settings(), "TALLY_HOME": str(stack.home.path)}.items():
        monkeypatch.setitem(os.environ, name, value)
    now = surroundings.started_at + timedelta(minutes=1)
    folder = stack.home.backups
    folder.mkdir(exist_ok=True)
    for days in range(1, 12):
        (folder / backup_name(now - timedelta(days=days), Reason.NIGHTLY)).write_text("older")
    (folder / "by-hand.backup").write_text("kept")
    assert run_at(BACKUP, surroundings, 1) == 0, (stack.home.logs / "backup.log").read_text()
    assert events == ["The nightly backup succeeded."]
    made = max(folder.glob("*-nightly.backup"))
    assert Archive(made).manifest.totals["accounts"].isdigit()
    assert 7 <= len(list(folder.glob("*-nightly.backup"))) <= 9
    assert (folder / "by-hand.backup").exists()
    assert run_at(BACKUP, surroundings, 5) is None
    shutil.rmtree(folder)


@pytest.mark.usefixtures("some_spend")
def test_no_backup_is_made_where_none_is_wanted(surroundings: Surroundings) -> None:
    assert run_at(BACKUP, replace(surroundings, makes_backups=False), 1) is None
    assert run_at(BACKUP, replace(surroundings, home=None), 1) is None
