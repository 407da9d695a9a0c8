"""The same forecasts on a Dask cluster, which may lose workers in the middle.

Dask does a task again whose worker died. One that killed several workers is suspect, and so is what waited
beside it: suspects are done again one by one, where only the culprit falls.
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
    LONGEST_REASON,
    Failure,
    InFlight,
    Outcome,
    Stream,
    Task,
    failure,
    forecast_task,
    stream_ended,
)
from tally.core.errors import TallyError

Client = Any  # distributed.Client: an optional package, mostly without types

CONNECT_SECONDS = 10
READY_SECONDS = 60  # each worker imports Prophet first
PATIENCE_SECONDS = 60  # workers that died come back when somebody looks after them
ASK_SECONDS = 5
LEAST_AT_ONCE = 64  # so that there is work for workers that join later

MISSING = "A Dask cluster needs a package that is not installed: .venv/bin/pip install -e '.[cluster]'"
CERTIFICATES = (
    "A tls:// scheduler needs certificates: set DASK_DISTRIBUTED__COMM__TLS__CA_FILE,"
    " DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY."
)
START = "Start scheduler and workers in Tally's checkout: `.venv/bin/dask worker tcp://HOST:PORT`."
AGAIN = "What was saved stays; run the night again when it is back, or without --scheduler on this machine."


class ClusterProblem(TallyError):
    """There is no cluster, it is not one that can forecast, or it went away."""


@contextmanager
def connect(address: str) -> Iterator[Stream]:
    """How to forecast on the cluster of this scheduler; raises ClusterProblem before anything is done."""
    client = _open(address)
    try:
        threads = _check(client, address)
        yield Cluster(client, address, max(LEAST_AT_ONCE, 4 * threads)).stream_forecasts
    finally:
        client.close(timeout=CONNECT_SECONDS)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A connection to a scheduler whose workers can forecast."""

    client: Client
    address: str
    at_once: int

    def stream_forecasts(self, tasks: Iterable[Task]) -> Iterator[Outcome]:
        """One outcome a task, in the order in which they end."""
        suspects: list[Task] = []
        culprits: list[Task] = []
        yield from self._stream(iter(tasks), self.at_once, suspects)
        yield from self._stream(iter(suspects), 1, culprits)
        yield from (Failure(task.series, "its workers died") for task in culprits)

    def _stream(self, tasks: Iterator[Task], at_once: int, killers: list[Task]) -> Iterator[Outcome]:
        from distributed import KilledWorker

        in_flight: InFlight = {}
        executor = _executor(self.client)
        for future in stream_ended(
            lambda task: executor.submit(forecast_task, task), self._wait, tasks, in_flight, at_once
        ):
            error = None if future.cancelled() else future.exception()
            if future.cancelled() or isinstance(error, CancelledError):
                raise self._gone()
            if isinstance(error, KilledWorker):
                killers.append(in_flight[future])
            elif isinstance(error, Exception):
                yield failure(in_flight[future], error)
            else:
                yield future.result()

    def _wait(self, in_flight: InFlight) -> Iterable[Future[Outcome]]:
        """Those that ended; raises ClusterProblem when there has been nobody to do any for a while."""
        last_seen = monotonic()
        while not (done := wait(in_flight, ASK_SECONDS, FIRST_COMPLETED).done):
            if self._has_workers():
                last_seen = monotonic()
            elif monotonic() - last_seen > PATIENCE_SECONDS:
                raise ClusterProblem(f"All workers of the Dask cluster at {self.address} are gone. {AGAIN}")
        return done

    def _has_workers(self) -> bool:
        try:
            return bool(self.client.nthreads(callback_timeout=CONNECT_SECONDS))
        except Exception:  # whatever comes of a connection that is broken
            raise self._gone() from None

    def _gone(self) -> ClusterProblem:
        return ClusterProblem(f"The Dask scheduler at {self.address} went away. {AGAIN}")


def _open(address: str) -> Client:
    try:
        distributed = importlib.import_module("distributed")
        setting = importlib.import_module("dask.config").get
    except ImportError:
        raise ClusterProblem(MISSING) from None
    if address.startswith("tls:") and not setting("distributed.comm.tls.ca-file", None):
        raise ClusterProblem(CERTIFICATES)
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # what it warns of is dealt with here
    try:
        client: Client = distributed.Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception as error:  # refused, not a scheduler, another version's
        raise ClusterProblem(
            f"No Dask scheduler answers at {address} ({type(error).__name__}). Nothing was done:"
            " start one with `dask scheduler`, or leave --scheduler out."
        ) from None
    return client


def _check(client: Client, address: str) -> int:
    """Have every worker ready, with this version of the code; how many tasks they do at once."""
    try:
        threads, found = _get_ready(client)
    except TimeoutError:
        raise ClusterProblem(f"The Dask cluster at {address} has no worker that is ready. {START}") from None
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:LONGEST_REASON]
        raise ClusterProblem(f"The Dask cluster at {address} cannot forecast ({reason}). {START}") from None
    if others := [worker for worker, version in found.items() if version != calculate_version()]:
        raise ClusterProblem(f"These workers have another version of Tally: {', '.join(others)}. {START}")
    return threads


def _get_ready(client: Client) -> tuple[int, dict[str, str]]:
    client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    threads: dict[str, int] = client.nthreads()
    asked = {
        worker: _executor(client, workers=[worker], allow_other_workers=True).submit(become_ready)
        for worker in threads
    }
    wait(asked.values(), READY_SECONDS)
    return sum(threads.values()), {worker: future.result(timeout=0) for worker, future in asked.items()}


def _executor(client: Client, **options: object) -> Executor:
    # Not pure: what was tried before is done again, not answered from memory.
    executor: Executor = client.get_executor(pure=False, **options)
    return executor


def become_ready() -> str:
    """What a worker does first: import Prophet, and say which version of the code it has."""
    importlib.import_module("forecasting.model.prophet_model")
    return calculate_version()


def calculate_version() -> str:
    """Names the code and calibration here: workers with others would answer with something else."""
    sources = sorted(
        path for path in Path(forecasting.__file__).parent.rglob("*.*") if path.suffix in (".py", ".json")
    )
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
