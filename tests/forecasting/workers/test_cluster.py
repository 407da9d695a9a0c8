"""Nights on a Dask cluster: a real scheduler and two workers on this machine, which do not always survive."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import numpy as np
import pytest

from forecasting.model.series import Series
from forecasting.nightly import run
from forecasting.nightly.run import DONE, FAILED, Night
from forecasting.workers import cluster
from forecasting.workers.cluster import ClusterProblem
from forecasting.workers.pool import Outcome, Stream, Task
from tests.forecasting.house import AS_OF, House
from tests.forecasting.workers.test_pool import outcomes_of, task

CHECKOUT = Path(__file__).resolve().parents[3]
SETTINGS = {
    "PYTHONPATH": str(CHECKOUT),
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    "DASK_LOGGING__DISTRIBUTED": "critical",
}


class DeadlyAmounts:
    """Kills the process that looks at it."""

    def __array__(self, *_: object, **__: object) -> Any:
        os._exit(9)


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of Dask, ended with what it started."""
    running = subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments, "--no-dashboard"],
        env=os.environ | SETTINGS,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield running
    finally:
        running.terminate()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a scheduler on a free port, and its process."""
    said = tmp_path_factory.mktemp("dask") / "scheduler.json"
    with program("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(said)) as running:
        for _ in range(600):
            if said.exists() and said.read_text().endswith("}"):
                break
            time.sleep(0.05)
        yield json.loads(said.read_text())["address"], running


@pytest.fixture(scope="module")
def address(
    scheduler: tuple[str, subprocess.Popen[bytes]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Of a scheduler with two workers, which are started again when they die."""
    folder = tmp_path_factory.mktemp("workers")
    options = ("--nworkers", "2", "--nthreads", "1", "--host", "127.0.0.1", "--local-directory", str(folder))
    with program("worker", scheduler[0], *options):
        yield scheduler[0]


def kill_a_worker(address: str) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)


def killing_after(count: int, stream: Stream, address: str) -> Stream:
    def stream_forecasts(tasks: Iterable[Task]) -> Iterator[Outcome]:
        for done, outcome in enumerate(stream(tasks), start=1):
            if done == count:
                kill_a_worker(address)
            yield outcome

    return stream_forecasts


def test_a_scheduler_without_workers_is_a_sentence(
    scheduler: tuple[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ClusterProblem, match="has no worker that is ready"), cluster.connect(scheduler[0]):
        pytest.fail("connected")


def test_a_night_that_loses_a_worker_stores_every_series_once(house: House, address: str) -> None:
    amounts = np.random.default_rng(0).gamma(1, 3, 120).tolist()
    users = [house.add_person() for _ in range(2)]
    for user in users:
        for model in range(6):
            house.add_spend(user, amounts, model=f"model-{model}")
    with cluster.connect(address) as stream:
        night = Night(house.connection, AS_OF, killing_after(4, stream, address), None)
        assert night.work() == DONE
    assert night.series == 16
    stored = house.rows(
        """
        select user_id, count(*), count(distinct (provider_id, model_name))
        from public.forecast_results group by 1 order by 1"""
    )
    assert stored == [(user, 8 * 30, 8) for user in sorted(users)]


def test_workers_with_another_version_are_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "calculate_version", lambda: "another")
    with pytest.raises(ClusterProblem, match="another version of Tally: tcp://"), cluster.connect(address):
        pytest.fail("connected")


def test_a_series_that_kills_its_workers_takes_no_other_with_it(address: str) -> None:
    deadly = Task(Series(uuid4(), "deadly", date(2024, 1, 1), cast("Any", DeadlyAmounts()), 20), 10)
    tasks = [task("a"), task("nan", np.full(20, np.nan)), deadly, *(task(f"after {n}") for n in range(6))]
    with cluster.connect(address) as stream:
        found = outcomes_of(stream(tasks))
    assert found.pop("deadly") == "its workers died"
    assert found.pop("nan").startswith("SeriesRefused")
    assert len(found) == 7
    assert set(found.values()) == {"forecast"}


def test_a_scheduler_that_goes_away_ends_the_night_in_a_sentence(
    house: House,
    scheduler: tuple[str, subprocess.Popen[bytes]],
    address: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        house.add_spend(house.add_person(), [3.0] * 30)

    def stream_forecasts(tasks: Iterable[Task]) -> Iterator[Outcome]:
        for outcome in stream(tasks):
            scheduler[1].kill()
            yield outcome

    with cluster.connect(address) as stream:
        assert Night(house.connection, AS_OF, stream_forecasts, None).work() == FAILED
    said = capfd.readouterr().err
    assert said.startswith(f"The Dask scheduler at {address} went away.")
    assert "Traceback" not in said
    [[status, error]] = house.rows("select status, error from public.job_runs where user_id is null")
    assert (status, error) == ("failed", said.strip())


def test_no_scheduler_is_a_sentence_and_nothing_is_done(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterProblem, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        run.run(house.url, AS_OF, scheduler="tcp://127.0.0.1:1")
    assert house.count("public.job_runs") == 0


def test_without_the_package_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ClusterProblem, match=r"pip install -e '\.\[cluster\]'"),
        cluster.connect("tcp://127.0.0.1:1"),
    ):
        pytest.fail("connected")


def test_a_tls_scheduler_needs_certificates() -> None:
    with pytest.raises(ClusterProblem, match="needs certificates"), cluster.connect("tls://127.0.0.1:1"):
        pytest.fail("connected")
