"""A change is forecast by the worker, for its workspace alone, once it pauses."""

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg
import pytest

from forecasting.jobs import debounce, forecaster, reforecasting, stalled
from forecasting.jobs.debounce import Pace
from forecasting.jobs.schema import install_schema
from tally.local.worker import worker_command
from tests.database_fixtures import Connection, Project, add_user
from tests.days import current_day
from tests.forecasting.jobs.running import running_worker
from tests.supabase.parts import eventually

pytestmark = pytest.mark.new_database  # the queue adds its schema

Act = Callable[[UUID], Connection]

ENDLESS_RENEWALS = """
create or replace function private.renewal_days(of_subscription public.subscriptions, until date)
returns setof date language sql stable set search_path = '' as $$
    select current_date from pg_sleep(60)
$$"""
ADD_SUBSCRIPTION = """
insert into public.subscriptions
    (workspace_id, user_id, provider_id, plan_name, amount_usd, started_on, renewal_day)
select %s, %s, p.id, 'Plus', 20, '2026-01-01', 1 from public.providers as p where p.name = 'openai'"""


@pytest.fixture(autouse=True)
def marked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes of these tests can be told from others."""
    monkeypatch.setenv(MARK, str(os.getpid()))


MARK = "TALLY_TEST_WORKER"  # in the environment of our processes
RUNS = "select count(distinct run_id) from public.forecast_results where workspace_id = %s"


def save(connection: Connection, days: int = 60, cost: str = "1.5") -> None:
    """Save a record of each of the last days, as a page does."""
    records = [
        {
            "provider": "openai",
            "timestamp": f"{current_day() - timedelta(days=day)}T00:00:00+00:00",
            "model_name": "gpt-5",
            "cost_usd": cost,
            "source_key": str(uuid4()),
        }
        for day in range(1, days + 1)
    ]
    connection.execute("select public.save_cost_records(null, %s)", [json.dumps(records)])


def value(database: Connection, query: str, *values: object) -> Any:
    row = database.execute(query, values).fetchone()
    return row and row[0]


def is_forecast(database: Connection, user: UUID) -> bool:
    return bool(value(database, RUNS, user)) and not value(
        database, "select count(*) from private.forecast_requests where workspace_id = %s", user
    )


def test_change_is_forecast_soon_and_the_page_is_told(
    project: Project, database: Connection, as_user: Act, user: UUID, stranger: UUID
) -> None:
    member = as_user(user)
    state = "select public.forecast_state()"
    assert value(member, state) == {"has_worker": False, "is_updating": False}
    with running_worker(project):
        eventually(lambda: value(member, state)["has_worker"])
        save(member)
        assert value(member, state)["is_updating"]
        before = value(member, "select public.data_version()")
        eventually(lambda: is_forecast(database, user))
        eventually(lambda: value(member, state) == {"has_worker": True, "is_updating": False})
        assert value(member, "select public.data_version()") != before
        run = value(member, "select public.last_run()")
        assert (run["kind"], run["status"]) == ("change", "done")
    assert value(database, RUNS, stranger) == 0
    assert not value(member, state)["has_worker"], "the worker has said goodbye"


def test_no_changes_put_no_jobs(project: Project, database: Connection, user: UUID) -> None:
    with running_worker(project) as running:
        eventually(lambda: value(database, "select to_regclass('jobs.procrastinate_jobs')") is not None)
        eventually(lambda: value(database, "select count(*) from private.worker_seen") == 1)
    assert value(database, "select count(*) from jobs.procrastinate_jobs where task_name = 'reforecast'") == 0
    assert value(database, "select count(*) from public.job_runs") == 0
    assert running.events == []
    assert user


def test_burst_of_saves_gives_a_handful_of_forecasts(
    project: Project, database: Connection, as_user: Act, user: UUID
) -> None:
    """1,000 saves; the page's pace is faster here so that the test is."""
    member = as_user(user)
    runs: set[UUID] = set()
    with running_worker(project, Pace(0.1, 0.5, 5)):
        save(member, cost="3")
        for nth in range(1000):
            save(member, days=1, cost=str(nth))
            if nth % 50 == 0:
                runs |= seen_runs(database, user)
        eventually(lambda: is_forecast(database, user))
        runs |= seen_runs(database, user)
    assert 1 <= len(runs) <= 5


def seen_runs(database: Connection, user: UUID) -> set[UUID]:
    query = "select distinct run_id from public.job_runs where workspace_id = %s"
    return {run_id for (run_id,) in database.execute(query, [user])}


def test_hostile_workspace_does_not_delay_others(
    project: Project, database: Connection, as_user: Act, user: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that always takes too long is stopped and told so, and waits in a lane of its own from then on."""
    monkeypatch.setattr(forecaster, "BUDGET_SECONDS", 15.0)
    monkeypatch.setattr(reforecasting, "SLOW_SECONDS", 12.0)
    monkeypatch.setattr(debounce, "REST_FACTOR", 0.0)
    install_schema(database)
    other = add_user(database)
    save(as_user(user))
    database.execute(ADD_SUBSCRIPTION, [user, user])
    database.execute(ENDLESS_RENEWALS)
    with running_worker(project):
        eventually(lambda: lane_of_running(database, user) == reforecasting.SLOW_LANE)
        save(as_user(other))
        eventually(lambda: is_forecast(database, other))
        error = "select error from public.job_runs where workspace_id = %s and status = 'failed'"
        assert value(database, error, user) == reforecasting.TOO_SLOW
        assert value(database, RUNS, user) == 0


def test_forecast_is_made_again_once_when_its_process_is_killed(
    project: Project, database: Connection, as_user: Act, user: UUID
) -> None:
    save(as_user(user))
    with running_worker(project):
        with held_request(database, project, user):
            eventually(lambda: is_waiting_to_answer(database))
            [process] = find_forecasters()
            process.kill()
            eventually(lambda: not is_waiting_to_answer(database))
            assert not is_forecast(database, user)
        eventually(lambda: is_forecast(database, user))
    assert value(database, RUNS, user) == 1
    assert value(database, "select count(*) from public.job_runs") == 1
    assert find_forecasters() == [], "they end with the worker"


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_forecast_is_made_again_once_when_its_worker_is_killed(
    project: Project,
    database: Connection,
    as_user: Act,
    user: UUID,
    monkeypatch: pytest.MonkeyPatch,
    signal_number: signal.Signals,
) -> None:
    """The next worker finds the job by the missing heartbeat, and the processes of the first are gone."""
    save(as_user(user))
    with held_request(database, project, user), started_worker(project) as worker:
        eventually(lambda: is_waiting_to_answer(database))
        worker.send_signal(signal_number)
        worker.wait(60)
        eventually(lambda: not is_waiting_to_answer(database))
        assert find_forecasters() == []
        assert not is_forecast(database, user)
    monkeypatch.setattr(stalled, "STALLED_SECONDS", 2.0)
    with running_worker(project):
        eventually(lambda: is_forecast(database, user))
    assert value(database, RUNS, user) == 1
    assert value(database, "select count(*) from jobs.procrastinate_jobs where status = 'doing'") == 0


@contextmanager
def held_request(database: Connection, project: Project, user: UUID) -> Iterator[None]:
    """Let every forecast of a workspace wait, just before it is done."""
    database.execute("select public.fold_stale_days()")
    with psycopg.connect(project.cluster.url(project.name)) as holder:
        holder.execute("select from private.forecast_requests where workspace_id = %s for update", [user])
        yield


def is_waiting_to_answer(database: Connection) -> bool:
    query = """
        select count(*) from pg_stat_activity
        where wait_event_type = 'Lock' and query like '%%delete from private.forecast_requests%%'
            and datname = current_database() and pid <> pg_backend_pid()"""
    return bool(value(database, query))


def lane_of_running(database: Connection, user: UUID) -> str | None:
    query = """
        select queue_name from jobs.procrastinate_jobs
        where task_name = 'reforecast' and status = 'doing' and args ->> 'workspace_id' = %s"""
    lane: str | None = value(database, query, str(user))
    return lane


def find_forecasters() -> list[psutil.Process]:
    """The processes that forecast for workers of this test, which are no others' on this machine."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            is_ours = process.environ().get(MARK) == str(os.getpid())
            if is_ours and "forecasting.jobs.forecaster_process" in process.cmdline():
                found.append(process)
    return found


@contextmanager
def started_worker(project: Project) -> Iterator["subprocess.Popen[bytes]"]:
    """The worker as a program, started as a service is, and gone at the end of the block."""
    environment = {**os.environ, "DATABASE_URL": project.cluster.url(project.name)}
    with subprocess.Popen(worker_command(), env=environment) as process:
        try:
            yield process
        finally:
            process.kill()
