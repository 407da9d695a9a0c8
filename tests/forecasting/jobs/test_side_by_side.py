"""Several workers at once, and workers of two versions side by side, as during an upgrade."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from forecasting.jobs import worker as worker_module
from forecasting.jobs.queue import load_tasks, queue
from forecasting.jobs.reforecasting import LANE, SLOW_LANE, Lanes
from forecasting.jobs.scheduled import is_nightly_due
from forecasting.jobs.schema import NewerQueue, install_schema
from forecasting.jobs.surroundings import Surroundings
from forecasting.jobs.watch import watch
from tally.core.schedule import last_due
from tally.local import nightly
from tally.serving.schema_state import SchemaProblem
from tests.database_fixtures import Connection, Project
from tests.forecasting.jobs.running import running_worker
from tests.supabase.parts import eventually

pytestmark = pytest.mark.new_database  # the queue adds its schema

SEEN = "select from private.worker_seen as w where w.seen_at > now() - interval '90 seconds'"
NEWER = "comment on schema jobs is 'procrastinate 999.0.0'"
LIVING = "insert into jobs.procrastinate_workers (last_heartbeat) values (now() - make_interval(secs => %s))"


@pytest.fixture
def done() -> Iterator[list[int]]:
    """What a task did that every worker here knows."""
    done: list[int] = []

    @queue.task(name="counted of a test")
    def _counted(number: int) -> None:
        done.append(number)

    yield done
    del queue.tasks["counted of a test"]


def put(database: Connection, task: str, number: int) -> None:
    with database.transaction():
        database.execute("set local search_path = jobs")
        database.execute(
            """insert into procrastinate_jobs (queue_name, task_name, args)
            values (%(task)s, %(task)s, jsonb_build_object('number', %(number)s::integer))""",
            {"task": task, "number": number},
        )


def list_jobs(database: Connection) -> list[tuple[str, str]]:
    query = "select task_name, status::text from jobs.procrastinate_jobs where task_name like '%% of a test'"
    return database.execute(query.replace("%%", "%").encode()).fetchall()


def has_queue(database: Connection) -> bool:
    return database.execute("select to_regclass('jobs.procrastinate_jobs')::text").fetchone() != (None,)


def test_each_task_has_a_queue_of_its_own() -> None:
    queues = load_tasks()
    assert "default" not in queues
    assert {LANE, "nightly", "fold", "deliver"} <= queues
    apart = {name: task.queue for name, task in queue.tasks.items() if task.queue != name}
    assert apart["reforecast"] == LANE
    assert SLOW_LANE not in queues, "jobs are put there one by one"


def test_jobs_of_a_newer_version_are_left_for_its_workers(
    project: Project, database: Connection, done: list[int]
) -> None:
    with running_worker(project):
        eventually(lambda: has_queue(database))
        put(database, "newer of a test", 1)
        for number in range(5):
            put(database, "counted of a test", number)
        eventually(lambda: len(done) == 5)
        eventually(lambda: list_jobs(database) == [("newer of a test", "todo")])


def test_one_of_two_workers_may_leave_and_pages_still_know_of_the_other(
    project: Project, database: Connection
) -> None:
    surroundings = Surroundings(project.cluster.url(project.name))

    async def until(rows: int) -> None:
        async with asyncio.timeout(60):
            while (await asyncio.to_thread(database.execute, SEEN)).rowcount != rows:
                await asyncio.sleep(0.05)

    async def work() -> None:
        staying, leaving = (asyncio.create_task(watch(surroundings, Lanes(surroundings))) for _ in range(2))
        await until(2)
        leaving.cancel()
        await until(1)
        staying.cancel()
        await until(0)

    asyncio.run(work())
    assert database.execute(SEEN).rowcount == 0


def test_queue_of_a_newer_version_is_replaced_once_its_workers_are_gone(database: Connection) -> None:
    install_schema(database)
    database.execute(NEWER)
    database.execute(LIVING, [1])
    with pytest.raises(NewerQueue, match="Replace this one"):
        install_schema(database)
    database.execute("update jobs.procrastinate_workers set last_heartbeat = now() - interval '1 minute'")
    assert install_schema(database)


def test_worker_waits_beside_newer_ones_and_goes_on_when_they_are_gone(
    project: Project, database: Connection, done: list[int]
) -> None:
    install_schema(database)
    database.execute(NEWER)
    database.execute(LIVING, [-600])
    put(database, "counted of a test", 1)
    with running_worker(project) as running:
        assert running.waits_for(NewerQueue)
        assert done == []
        database.execute("delete from jobs.procrastinate_workers")
        eventually(lambda: database.execute(SEEN).rowcount == 1)


def test_worker_waits_until_its_migrations_are_applied(
    project: Project, database: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tally.serving.schema_state.own_version", lambda: "999")
    with running_worker(project) as running:
        assert running.waits_for(SchemaProblem)
        assert not has_queue(database)
        database.execute("insert into supabase_migrations.schema_migrations (version) values ('999')")
        eventually(lambda: has_queue(database))


def test_worker_stops_working_once_the_schema_serves_newer_versions_alone(
    project: Project, database: Connection, done: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "SCHEMA_SECONDS", 0.1)
    with running_worker(project) as running:
        eventually(lambda: database.execute(SEEN).rowcount == 1)
        database.execute(
            """create or replace function private.serves_from() returns text language sql immutable
            set search_path = '' as $$ select '999' $$"""
        )
        assert running.waits_for(SchemaProblem)
        put(database, "counted of a test", 1)
        assert list_jobs(database) == [("counted of a test", "todo")]
    assert done == []


@pytest.mark.parametrize("lead", [-90, 90], ids=["database behind", "database ahead"])
def test_night_is_due_by_the_clock_of_the_database(
    project: Project, database: Connection, lead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nightly, "has_records", lambda _: True)
    surroundings = Surroundings(project.cluster.url(project.name))
    real = datetime.now(UTC)
    assert abs(nightly.load_clock_lead(surroundings.database_url)) < timedelta(seconds=30)
    monkeypatch.setattr(nightly, "load_clock_lead", lambda _: timedelta(seconds=lead))
    due = last_due(real)
    [[user]] = database.execute("select gen_random_uuid()").fetchall()
    database.execute(
        """insert into public.job_runs (run_id, day, started_at, finished_at, status)
        values (%s, %s, %s, %s, 'done')""",
        [user, due.date() - timedelta(days=1), due - timedelta(minutes=9), due - timedelta(minutes=8)],
    )
    # By this machine's clock it is a moment before, or after; by the database's it is the other way round.
    shown = due - timedelta(seconds=lead / 2)
    assert is_nightly_due(surroundings, shown) is (lead > 0)
