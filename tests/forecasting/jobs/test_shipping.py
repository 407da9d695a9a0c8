"""Changed rows are in the analytics engine soon after saves, where there is one."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from forecasting.jobs import shipping
from forecasting.jobs.queue import TASK_MODULES, queue
from forecasting.jobs.shipping import ship_due
from forecasting.jobs.surroundings import Surroundings
from tally.analytics import building
from tally.analytics.due import SHIPPING_IS_DUE
from tests.database.test_saving import record
from tests.database_fixtures import Connection, Project
from tests.forecasting.jobs.running import running_worker
from tests.forecasting.nightly.conftest import environment
from tests.supabase.parts import eventually

Act = Callable[[UUID], Connection]


def save(person: Connection) -> None:
    """Save a record."""
    person.execute("select public.save_cost_records(null, %s)", [json.dumps([record()])])


def count(engine: Any) -> int:
    """The records of the engine."""
    return int(engine.query("select count() from records final").result_rows[0][0])


@pytest.fixture(autouse=True)
def settings(project: Project, engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's address, which the worker is told."""
    settings = environment(project.cluster.url(project.name))
    for name, value in (settings | {"TALLY_CLICKHOUSE_URL": f"chdb://{engine.path}"}).items():
        monkeypatch.setenv(name, value)
    for remembered in ("_prepared", "_told"):
        monkeypatch.setattr(shipping, remembered, set())


@pytest.mark.new_database  # the queue adds its schema
def test_saved_rows_are_shipped_soon(
    project: Project, database: Connection, engine: Any, as_user: Act, user: UUID
) -> None:
    building.rebuild(database, engine, replaces=True)
    with running_worker(project) as running:
        save(as_user(user))
        eventually(lambda: count(engine) == 1)
        database.execute("delete from public.cost_records")
        eventually(lambda: count(engine) == 0)
    assert running.events == []


def test_an_engine_that_is_down_is_named_once_and_tried_again(
    project: Project, database: Connection, engine: Any, as_user: Act, user: UUID
) -> None:
    building.rebuild(database, engine, replaces=True)
    save(as_user(user))
    told: list[str] = []
    surroundings = Surroundings(project.cluster.url(project.name), notify=told.append)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TALLY_CLICKHOUSE_URL", "http://127.0.0.1:1/tally")
        for _ in range(2):
            ship_due(surroundings)
    assert (len(told), "Rows wait for the analytics engine; retrying." in told[0]) == (1, True)
    [(problem,)] = database.execute("select problem from private.analytics_engine").fetchall()
    assert "did not answer" in problem
    ship_due(surroundings)
    assert count(engine) == 1
    assert database.execute("select problem from private.analytics_engine").fetchall() == [(None,)]


def test_an_engine_without_an_address_is_named_and_waited_for(
    project: Project, database: Connection, engine: Any, as_user: Act, user: UUID
) -> None:
    building.rebuild(database, engine, replaces=True)
    save(as_user(user))
    told: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TALLY_CLICKHOUSE_URL")
        ship_due(Surroundings(project.cluster.url(project.name), notify=told.append))
        assert database.execute(SHIPPING_IS_DUE).rowcount == 0, "it waits, as for an engine that is down"
    assert told == [f"Rows wait for the analytics engine; retrying. {shipping.NO_ADDRESS}"]
    assert database.execute("select problem from private.analytics_engine").fetchall() == [
        (shipping.NO_ADDRESS,)
    ]


def test_a_new_engine_is_put_to_use_by_the_clock(
    project: Project, engine: Any, as_user: Act, user: UUID
) -> None:
    save(as_user(user))
    for name in ("records", "superseded", "traces", "facts"):
        engine.command(f"drop table if exists {name} sync")
    ship_due(Surroundings(project.cluster.url(project.name)), prepares=True)
    assert count(engine) == 1


def test_a_worker_builds_over_an_engine_that_is_ahead(
    project: Project, database: Connection, engine: Any, as_user: Act, user: UUID
) -> None:
    """As after a backup was restored: of a record that the engine has, a newer state got an old version."""
    building.rebuild(database, engine, replaces=True)
    person = as_user(user)
    save(person)
    save(person)
    ship_due(Surroundings(project.cluster.url(project.name)))
    shipping._prepared.clear()
    database.execute("select setval('private.analytics_version', 1)")
    database.execute(
        "delete from public.cost_records where id = (select min(id::text)::uuid from public.cost_records)"
    )
    database.execute("delete from private.analytics_outbox")
    ship_due(Surroundings(project.cluster.url(project.name)))
    assert count(engine) == 1


def test_without_an_engine_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TALLY_CLICKHOUSE_URL")
    ship_due(Surroundings("postgresql://127.0.0.1:1/nowhere"), prepares=True)
    assert "forecasting.jobs.shipping" in TASK_MODULES
    assert {"ship", "mind engine"} <= set(queue.tasks)
