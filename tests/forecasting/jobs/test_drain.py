"""Where cron starts the nightly run and no worker is there, its end does what waits in the queue."""

import sys
from collections.abc import Iterator

import pytest

from forecasting import __main__
from forecasting.jobs.queue import queue
from forecasting.jobs.watch import WATCHED
from tests.days import previous_day
from tests.forecasting.nightly.conftest import environment
from tests.forecasting.nightly_database import NightlyDatabase

pytestmark = pytest.mark.new_database  # the queue adds its schema


@pytest.fixture
def done() -> Iterator[list[str]]:
    """What two tasks did: one that is watched, and one that is done every minute."""
    done: list[str] = []

    @queue.task(name="watched of a test")
    def _watched() -> None:
        done.append("watched")

    @queue.periodic(cron="0 0 1 1 *")
    @queue.task(name="periodic of a test")
    async def _periodic(timestamp: int) -> None:
        assert timestamp > 0
        done.append("periodic")

    WATCHED["watched of a test"] = "select 1"
    yield done
    del WATCHED["watched of a test"]
    del queue.periodic_registry.periodic_tasks["periodic of a test", ""]
    for name in ("watched of a test", "periodic of a test"):
        del queue.tasks[name]


@pytest.fixture
def nightly(db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch) -> NightlyDatabase:
    for name, value in environment(db.url).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["forecasting", "--workers", "0"])
    return db


def test_nightly_run_does_what_waits_in_the_queue(nightly: NightlyDatabase, done: list[str]) -> None:
    nightly.add_spend(nightly.add_account(), [1, 2], previous_day())
    assert __main__.main() == 0
    assert sorted(done) == ["periodic", "watched"]
    assert nightly.count("jobs.procrastinate_jobs") == 0


def test_with_a_worker_the_queue_is_left_to_it(nightly: NightlyDatabase, done: list[str]) -> None:
    nightly.connection.execute("insert into private.worker_seen (seen_at) values (now())")
    assert __main__.main() == 0
    assert done == []


@pytest.mark.usefixtures("nightly")
def test_replay_of_a_past_run_leaves_the_queue_alone(
    done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["forecasting", "--workers", "0", "--date", "2024-05-11"])
    assert __main__.main() == 0
    assert done == []
