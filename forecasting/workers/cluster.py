"""Forecasts on a Dask cluster, which may lose workers during the run.

Dask retries a task whose worker died, and gives up on one that lost several workers. The tasks that it gave
up on are retried one by one: some only shared a worker with the culprit, and only the culprit fails again.
"""

import hashlib
import importlib
import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import forecasting
from forecasting.workers.pool import (
    MAX_REASON_LENGTH,
    Failure,
    InFlight,
    Outcome,
    Stream,
    Task,
    failure_of,
    forecast_task,
    stream_completed,
)
from tally.core.errors import TallyError

Client = Any  # distributed.Client; the package is optional and mostly untyped

CONNECT_SECONDS = 10
READY_SECONDS = 60  # each worker imports Prophet first
NO_WORKERS_SECONDS = 60  # time for a supervisor to restart the workers
POLL_SECONDS = 5
MIN_IN_FLIGHT = 64  # enough to give work to workers that join later

NOT_INSTALLED = (
    "A Dask cluster needs a package that is not installed. Install Tally with its extra `cluster`; in a "
    "checkout: .venv/bin/pip install -e '.[cluster]'"
)
NO_CERTIFICATES = (
    "A tls:// scheduler needs certificates: set DASK_DISTRIBUTED__COMM__TLS__CA_FILE,"
    " DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY."
)
START_HINT = "Start scheduler and workers in Tally's checkout: `.venv/bin/dask worker tcp://HOST:PORT`."
RETRY_HINT = "Saved forecasts are kept: run again when it is back, or without --scheduler on this machine."


class ClusterProblem(TallyError):
    """The cluster is unreachable, cannot forecast, or was lost."""


@contextmanager
def connect(address: str) -> Iterator[Stream]:
    """Connect to a scheduler and check its workers; raises ClusterProblem before any forecast."""
    client = _open(address)
    try:
        threads = _check(client, address)
        yield Cluster(client, address, max(MIN_IN_FLIGHT, 4 * threads)).stream_forecasts
    finally:
        client.close(timeout=CONNECT_SECONDS)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A connection to a scheduler whose workers can forecast."""

    client: Client
    address: str
    max_in_flight: int

    def stream_forecasts(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """Yield one outcome per task, in the order of completion."""
        given_up: list[Task] = []
        failed_alone: list[Task] = []
        yield from self._stream(iter(tasks), self.max_in_flight, given_up)
        yield from self._stream(iter(given_up), 1, failed_alone)
        yield from (Failure(task.series, "its workers died") for task in failed_alone)

    def _stream(self, tasks: Iterator[Task], max_in_flight: int, given_up: list[Task]) -> Iterator[Outcome]:
        """Yield outcomes; append to `given_up` the tasks that lost too many workers."""
        from distributed import KilledWorker

        in_flight: InFlight = {}
        executor = _executor(self.client)
        for future in stream_completed(
            lambda task: executor.submit(forecast_task, task), self._wait, tasks, in_flight, max_in_flight
        ):
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or isinstance(error, CancelledError):
                raise self._lost()
            if isinstance(error, KilledWorker):
                given_up.append(in_flight[future])
            elif isinstance(error, Exception):
                yield failure_of(in_flight[future], error)
            else:
                yield future.result()

    def _wait(self, in_flight: InFlight) -> Iterable[Future[Outcome]]:
        """Wait until any completes; raises ClusterProblem after NO_WORKERS_SECONDS without workers."""
        workers_seen_at = monotonic()
        while not (done := wait(in_flight, POLL_SECONDS, FIRST_COMPLETED).done):
            if self._has_workers():
                workers_seen_at = monotonic()
            elif monotonic() - workers_seen_at > NO_WORKERS_SECONDS:
                raise ClusterProblem(
                    f"The Dask cluster at {self.address} has lost all its workers. {RETRY_HINT}"
                )
        return done

    def _has_workers(self) -> bool:
        try:
            return bool(self.client.nthreads(callback_timeout=CONNECT_SECONDS))
        except Exception:  # any error of a broken connection
            raise self._lost() from None

    def _lost(self) -> ClusterProblem:
        return ClusterProblem(
            f"The connection to the Dask scheduler at {self.address} was lost. {RETRY_HINT}"
        )


def _open(address: str) -> Client:
    try:
        distributed = importlib.import_module("distributed")
        get_setting = importlib.import_module("dask.config").get
    except ImportError:
        raise ClusterProblem(NOT_INSTALLED) from None
    if address.startswith("tls:") and not get_setting("distributed.comm.tls.ca-file", None):
        raise ClusterProblem(NO_CERTIFICATES)
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # errors are raised instead
    try:
        client: Client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # refused, not a scheduler, or an incompatible version
        raise ClusterProblem(
            f"No Dask scheduler answers at {address} ({type(error).__name__}). Nothing was done:"
            " start one with `dask scheduler`, or run without --scheduler."
        ) from None
    return client


def _check(client: Client, address: str) -> int:
    """Prepare all workers, check that they run this version of the code, and return their thread count."""
    try:
        threads, versions = _prepare_workers(client)
    except TimeoutError:
        raise ClusterProblem(f"The Dask cluster at {address} has no ready worker. {START_HINT}") from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:MAX_REASON_LENGTH]
        raise ClusterProblem(
            f"The Dask cluster at {address} cannot forecast ({reason}). {START_HINT}"
        ) from None
    expected = calculate_version()
    if others := [worker for worker, version in versions.items() if version != expected]:
        raise ClusterProblem(
            f"These workers have another version of Tally: {', '.join(others)}. {START_HINT}"
        )
    return threads


def _prepare_workers(client: Client) -> tuple[int, dict[str, str]]:
    client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    threads: dict[str, int] = client.nthreads()
    futures = {
        worker: _executor(client, workers=[worker], allow_other_workers=True).submit(prepare_worker)
        for worker in threads
    }
    wait(futures.values(), READY_SECONDS)
    return sum(threads.values()), {worker: future.result(timeout=0) for worker, future in futures.items()}


def _executor(client: Client, **options: object) -> Executor:
    # Not pure: a retried task runs again instead of returning its cached result.
    executor: Executor = client.get_executor(pure=False, **options)
    return executor


def prepare_worker() -> str:
    """Import Prophet in a worker, and return its version of the code."""
    importlib.import_module("forecasting.model.prophet_model")
    return calculate_version()


def calculate_version() -> str:
    """Hash the code and the calibration, as workers with a different hash would forecast differently."""
    sources = sorted(
        path for path in Path(forecasting.__file__).parent.rglob("*.*") if path.suffix in (".py", ".json")
    )
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
