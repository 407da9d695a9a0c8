"""Evaluations in many processes, while limits change, and in those that are killed: each event once."""

import os
import signal
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

import psycopg
import pytest

from tally.budgets import evaluation
from tally.budgets.evaluation import evaluate
from tests.database.teams import Team
from tests.database.test_budgets import add_budget
from tests.database_fixtures import Connection, Project
from tests.supabase.parts import eventually
from tests.tally.budgets.test_evaluation import (
    NOW,
    add_channel,
    add_thresholds,
    events,
    messages,
    spend,
    team,
)
from tests.tally.notifications.alerting import Desk, make_settings
from tests.tally.notifications.fake_services import fake_services

__all__ = ["team"]

# Connections of processes that are gone end a moment later.
OTHERS = """
select from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid() and state like 'idle in%'"""


def evaluate_at_once(url: str, barrier: Barrier) -> None:
    """In a process of its own: wait for the others, then evaluate a few times."""
    with psycopg.connect(url, autocommit=True) as connection:
        barrier.wait(60)
        for _ in range(5):
            evaluate(connection, as_of=NOW)


def test_eight_processes_that_evaluate_at_once_raise_one_event_and_send_one_message(
    team: Team, project: Project, database: Connection
) -> None:
    budget = add_budget(database, team.id, amount=100)
    add_thresholds(database, budget, ("actual", 50), ("actual", 100))
    add_channel(database, team.id)
    spend(database, team.id, 120)
    context = get_context("fork")  # starting eight programs would take ten times as long
    barrier, url = context.Barrier(8), project.cluster.url(project.name)
    processes = [context.Process(target=evaluate_at_once, args=(url, barrier)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 8
    assert events(database) == [(50, "superseded", "info"), (100, "open", "critical")]
    assert messages(database) == [("open", 100)]


def change_at_once(url: str, barrier: Barrier) -> None:
    """In a process of its own: change the limit while others evaluate."""
    with psycopg.connect(url, autocommit=True) as connection:
        barrier.wait(60)
        for amount in (110, 115, 1000, 100):
            connection.execute("update public.budgets set amount = %s", [amount])


def test_a_limit_that_changes_while_eight_processes_evaluate_is_told_once_for_each_limit(
    team: Team, project: Project, database: Connection
) -> None:
    budget = add_budget(database, team.id, amount=105)
    add_thresholds(database, budget, ("actual", 50), ("actual", 100))
    add_channel(database, team.id)
    spend(database, team.id, 120)
    context = get_context("fork")
    barrier, url = context.Barrier(9), project.cluster.url(project.name)
    targets = [*[evaluate_at_once] * 8, change_at_once]
    processes = [context.Process(target=target, args=(url, barrier)) for target in targets]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 9
    evaluate(database, as_of=NOW)
    told = database.execute(
        """select facts ->> 'amount', count(*) from public.alert_events as e
        where state <> 'superseded' and facts ->> 'percent' = '100' group by 1"""
    ).fetchall()
    assert {count for _, count in told} == {1}  # whichever limits were seen
    assert "100" in {f"{float(amount):g}" for amount, _ in told}
    assert database.execute(
        """select (facts ->> 'amount')::numeric, state from public.alert_events
        where cleared_at is null and facts ->> 'percent' = '100'"""
    ).fetchall() == [(100, "open")]
    assert len([message for message in messages(database) if message == ("open", 100)]) == len(told)


def evaluate_and_die(url: str, statement: str, count: int) -> None:
    """In a process of its own: be killed after so many of a kind of statements."""
    begun = 0

    class Dying(psycopg.Connection[Any]):
        def execute(self, query: Any, *args: Any, **named: Any) -> Any:
            nonlocal begun
            cursor = super().execute(query, *args, **named)
            begun += query == statement
            if begun == count:
                os.kill(os.getpid(), signal.SIGKILL)
            return cursor

    with Dying.connect(url, autocommit=True) as connection:
        evaluate(connection, as_of=NOW)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("statement", "count", "left"),
    [
        (evaluation.LOCK, 1, 0),
        (evaluation.RAISE, 1, 0),  # an event is written, and not yet committed
        (evaluation.RAISE, 3, 0),
        ("none: after all of it", 1, 3),
    ],
    ids=["with its locks", "after one event", "after all events", "before the message"],
)
def test_events_of_a_worker_that_was_killed_are_raised_and_sent_once(
    team: Team, project: Project, database: Connection, statement: str, count: int, left: int
) -> None:
    budget = add_budget(database, team.id, amount=100)
    add_thresholds(database, budget, ("actual", 50), ("actual", 80), ("actual", 100))
    spend(database, team.id, 120)
    with fake_services() as services:
        desk = Desk(database, team.id, make_settings(tally_alert_services=services.address))
        desk.add_channel("slack")
        values = (project.cluster.url(project.name), statement, count)
        killed = get_context("fork").Process(target=evaluate_and_die, args=values)
        killed.start()
        killed.join(60)
        assert killed.exitcode == -signal.SIGKILL
        eventually(lambda: database.execute(OTHERS).rowcount == 0)
        assert len(events(database)) == left
        for _ in range(2):
            evaluate(database, as_of=NOW)
            desk.deliver()
    assert [state for _, state, _ in events(database)] == ["superseded", "superseded", "open"]
    assert messages(database) == [("open", 100)]
    assert len(services.received) == 1
