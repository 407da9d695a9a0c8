"""Nightly runs on a Dask cluster: a real scheduler and two workers, some of which are killed."""

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
from forecasting.nightly.run import DONE, FAILED, NightlyRun, Options
from forecasting.workers import cluster
from forecasting.workers.cluster import ClusterProblem
from forecasting.workers.pool import Outcome, Stream, Task
from tests.forecasting.nightly_database import AS_OF, NightlyDatabase
from tests.forecasting.workers.test_pool import outcomes_of, task

CHECKOUT = Path(__file__).resolve().parents[3]
SETTINGS = {
    "PYTHONPATH": str(CHECKOUT),
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    "DASK_LOGGING__DISTRIBUTED": "critical",
}


class DeadlyAmounts:
    """Kills the process that reads it."""

    def __array__(self, *_: object, **__: object) -> Any:
        os._exit(9)


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a Dask command, and end it with its child processes."""
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
    address_file = tmp_path_factory.mktemp("dask") / "scheduler.json"
    with program(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(address_file)
    ) as running:
        for _ in range(600):
            if address_file.exists() and address_file.read_text().endswith("}"):
                break
            time.sleep(0.05)
        yield json.loads(address_file.read_text())["address"], running


@pytest.fixture(scope="module")
def address(
    scheduler: tuple[str, subprocess.Popen[bytes]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a scheduler with two workers, which are restarted when they die."""
    folder = tmp_path_factory.mktemp("workers")
    options = ("--nworkers", "2", "--nthreads", "1", "--host", "127.0.0.1", "--local-directory", str(folder))
    with program("worker", scheduler[0], *options):
        wait_for_workers(scheduler[0], 2)
        yield scheduler[0]


def wait_for_workers(address: str, count: int) -> None:
    from distributed import Client

    with Client(address, set_as_default=False) as client:  # type: ignore[no-untyped-call]
        client.wait_for_workers(count, timeout=60)


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


def test_scheduler_without_workers_is_reported(
    scheduler: tuple[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 1)
    with pytest.raises(ClusterProblem, match="has no ready worker"), cluster.connect(scheduler[0]):
        pytest.fail("connected")


def test_run_that_loses_a_worker_stores_every_series_once(db: NightlyDatabase, address: str) -> None:
    amounts = np.random.default_rng(0).gamma(1, 3, 120).tolist()
    users = [db.add_account() for _ in range(2)]
    for user in users:
        for model in range(6):
            db.add_spend(user, amounts, model=f"model-{model}")
    with cluster.connect(address) as stream:
        nightly = NightlyRun(db.connection, killing_after(4, stream, address), Options(as_of=AS_OF))
        assert nightly.execute() == DONE
    assert nightly.series_count == 16
    stored = db.rows(
        """
        select workspace_id, count(*), count(distinct (provider_id, model_name))
        from public.forecast_results group by 1 order by 1"""
    )
    assert stored == [(user, 8 * 30, 8) for user in sorted(users)]


def test_workers_with_another_version_are_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "calculate_version", lambda: "another")
    with pytest.raises(ClusterProblem, match="another version of Tally: tcp://"), cluster.connect(address):
        pytest.fail("connected")


def test_series_that_kills_its_workers_fails_alone(address: str) -> None:
    deadly = Task(Series(uuid4(), "deadly", date(2024, 1, 1), cast("Any", DeadlyAmounts()), 20), 10)
    tasks = [task("a"), task("nan", np.full(20, np.nan)), deadly, *(task(f"after {n}") for n in range(6))]
    with cluster.connect(address) as stream:
        found = outcomes_of(stream(tasks))
    assert found.pop("deadly") == "its workers died"
    assert found.pop("nan").startswith("a day's spend")
    assert len(found) == 7
    assert set(found.values()) == {"forecast"}


def test_lost_scheduler_ends_the_run_with_an_error(
    db: NightlyDatabase,
    scheduler: tuple[str, subprocess.Popen[bytes]],
    address: str,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        db.add_spend(db.add_account(), [3.0] * 30)

    def stream_forecasts(tasks: Iterable[Task]) -> Iterator[Outcome]:
        for outcome in stream(tasks):
            scheduler[1].kill()
            yield outcome

    with cluster.connect(address) as stream:
        assert NightlyRun(db.connection, stream_forecasts, Options(as_of=AS_OF)).execute() == FAILED
    printed = capfd.readouterr().err
    assert printed.startswith(f"The connection to the Dask scheduler at {address} was lost.")
    assert "Traceback" not in printed
    [[status, error]] = db.rows("select status, error from public.job_runs where workspace_id is null")
    assert (status, error) == ("failed", printed.strip())


def test_unreachable_scheduler_is_reported_before_anything_is_done(
    db: NightlyDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    with pytest.raises(ClusterProblem, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        run.run(db.url, Options(as_of=AS_OF, scheduler="tcp://127.0.0.1:1"))
    assert db.count("public.job_runs") == 0


def test_missing_package_is_reported_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (
        pytest.raises(ClusterProblem, match=r"pip install -e '\.\[cluster\]'"),
        cluster.connect("tcp://127.0.0.1:1"),
    ):
        pytest.fail("connected")


def test_tls_scheduler_needs_certificates() -> None:
    with pytest.raises(ClusterProblem, match="needs certificates"), cluster.connect("tls://127.0.0.1:1"):
        pytest.fail("connected")
