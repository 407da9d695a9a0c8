"""The nightly run starts once a night, and a missed one is caught up."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from tally.backups.archive import Archive
from tally.backups.retention import Reason, backup_name
from tally.core.schedule import last_due, next_due
from tally.local import nightly
from tally.local.nightly import BackupScheduler, Scheduler, is_due, load_last_success
from tally.local.stack import Stack
from tests.database_fixtures import Connection, add_user, make_months
from tests.supabase.parts import connect, eventually

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


def has_ended(scheduler: Scheduler, now: datetime) -> bool:
    scheduler.poll(now)
    return scheduler.process is None


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-20 03:14:59", "2026-11-19 03:15:00"),
        ("2026-11-20 03:15:00", "2026-11-20 03:15:00"),
        ("2026-11-20 23:59:59", "2026-11-20 03:15:00"),
        ("2026-11-21 00:00:00", "2026-11-20 03:15:00"),
    ],
)
def test_last_due_time_is_a_quarter_past_three(now: str, due: str) -> None:
    assert last_due(datetime.fromisoformat(now + "+00:00")) == datetime.fromisoformat(due + "+00:00")


def test_next_due_time_is_in_the_future() -> None:
    assert next_due(NOON) == datetime(2026, 11, 21, 3, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("last_success", "due"),
    [(None, True), (NOON - timedelta(days=1), True), (NOON - timedelta(hours=8), False), (NOON, False)],
)
def test_night_is_due_when_the_last_success_is_older(last_success: datetime | None, due: bool) -> None:
    assert is_due(NOON, last_success) is due


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
def test_missed_run_is_caught_up_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "nightly_command", lambda: ["true"])
    events: list[str] = []
    scheduler = Scheduler(stack.home, stack.settings(), events.append)
    now = datetime.now(UTC)
    scheduler.poll(now)
    assert scheduler.process is None, "the first pages are served before"
    scheduler.poll(now + timedelta(minutes=1))
    assert scheduler.process is not None
    eventually(lambda: has_ended(scheduler, now + timedelta(minutes=1)))
    assert events == ["The nightly run succeeded."]
    record_run(stack, now)
    scheduler.poll(now + timedelta(minutes=5))
    assert scheduler.process is None


@pytest.mark.usefixtures("no_runs", "some_spend")
def test_failed_run_is_reported_and_retried_in_an_hour(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "nightly_command", lambda: ["false"])
    events: list[str] = []
    scheduler = Scheduler(stack.home, stack.settings(), events.append)
    now = datetime.now(UTC) + timedelta(minutes=1)
    scheduler.poll(now)
    eventually(lambda: has_ended(scheduler, now))
    assert "failed with exit code 1; retrying in an hour" in events[0]
    scheduler.poll(now + timedelta(minutes=59))
    assert scheduler.process is None
    scheduler.poll(now + timedelta(minutes=61))
    assert scheduler.process is not None
    scheduler.stop()


@pytest.mark.usefixtures("no_runs", "some_spend")
def test_run_with_problems_of_some_accounts_is_not_repeated(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "nightly_command", lambda: ["sh", "-c", "exit 3"])
    events: list[str] = []
    scheduler = Scheduler(stack.home, stack.settings(), events.append)
    now = datetime.now(UTC) + timedelta(minutes=1)
    scheduler.poll(now)
    eventually(lambda: has_ended(scheduler, now))
    assert "is done, with problems of some accounts" in events[0]
    record_run(stack, now, status="partial")
    scheduler.poll(now + timedelta(minutes=61))
    assert scheduler.process is None
    assert len(events) == 1


@pytest.mark.usefixtures("no_runs")
def test_no_run_is_due_before_there_is_a_record(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "has_records", lambda _: False)
    scheduler = Scheduler(stack.home, stack.settings(), lambda _: None)
    scheduler.poll(datetime.now(UTC) + timedelta(minutes=1))
    assert scheduler.process is None


def test_has_records_once_a_record_exists(database: Connection) -> None:
    assert not nightly.has_records(database.info.dsn)
    user_id = add_user(database)
    database.execute(ADD_RECORD, {"user_id": user_id, "timestamp": NOON})
    assert nightly.has_records(database.info.dsn)


def test_unreachable_database_does_not_end_the_scheduler(stack: Stack) -> None:
    settings = stack.settings() | {"DATABASE_URL": "postgresql://postgres@127.0.0.1:1/postgres"}
    scheduler = Scheduler(stack.home, settings, lambda _: None)
    scheduler.poll(datetime.now(UTC) + timedelta(minutes=1))
    assert scheduler.process is None


@pytest.mark.usefixtures("no_runs", "some_spend")
def test_stopping_ends_a_running_job(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nightly, "nightly_command", lambda: ["sleep", "60"])
    scheduler = Scheduler(stack.home, stack.settings(), lambda _: None)
    scheduler.poll(datetime.now(UTC) + timedelta(minutes=1))
    started = time.monotonic()
    process = scheduler.process
    scheduler.stop()
    assert process is not None
    assert process.poll() is not None
    assert time.monotonic() - started < 5


def test_backup_is_due_once_there_is_an_account(database: Connection) -> None:
    assert not nightly.has_accounts(database.info.dsn)
    add_user(database)
    assert nightly.has_accounts(database.info.dsn)


@pytest.mark.usefixtures("some_spend")
def test_nightly_backup_is_made_once_a_night_and_outdated_ones_go(stack: Stack) -> None:
    events: list[str] = []
    now = datetime.now().astimezone() + timedelta(minutes=1)
    folder = stack.home.backups
    folder.mkdir(exist_ok=True)
    for days in range(1, 12):
        (folder / backup_name(now - timedelta(days=days), Reason.NIGHTLY)).write_text("older")
    (folder / "by-hand.backup").write_text("kept")
    scheduler = BackupScheduler(stack.home, stack.settings(), events.append)
    scheduler.poll(now)
    assert scheduler.process is not None
    eventually(lambda: has_ended(scheduler, now), 60)
    assert events == ["The nightly backup succeeded."], (stack.home.logs / "backup.log").read_text()
    made = max(folder.glob("*-nightly.backup"))
    assert Archive(made).manifest.totals["accounts"].isdigit()
    assert 7 <= len(list(folder.glob("*-nightly.backup"))) <= 9
    assert (folder / "by-hand.backup").exists()
    scheduler.poll(now + timedelta(minutes=5))
    assert scheduler.process is None
    shutil.rmtree(folder)
