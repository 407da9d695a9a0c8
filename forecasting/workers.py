"""Forecasts on all cores, one series at a time; one that fails, or takes its process down, stops no other."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice

from forecasting.forecast import Forecast, calculate_forecast
from forecasting.series import Series

LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Task:
    """A series to forecast, and for how many days its user's month still lasts."""

    series: Series
    days_left_in_month: int


@dataclass(frozen=True, slots=True)
class Failure:
    """A series without a forecast, and why."""

    series: Series
    reason: str


Outcome = Forecast | Failure


def count_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def stream_forecasts(tasks: Iterable[Task], workers: int) -> Iterator[Outcome]:
    """One outcome a task, in the order in which they end. No workers: one by one, in this process."""
    if workers == 0:
        return map(_forecast, tasks)
    return _stream_from_processes(iter(tasks), workers)


def _stream_from_processes(tasks: Iterator[Task], workers: int) -> Iterator[Outcome]:
    while True:
        in_flight: dict[Future[Outcome], Task] = {}
        try:
            with _pool(workers) as pool:
                yield from _stream_from_pool(pool, tasks, in_flight, 4 * workers)
            return
        except BrokenProcessPool:
            # Any of those in flight may have done it. Alone in a process each, only the culprit falls.
            for task in in_flight.values():
                yield _forecast_alone(task)


def _stream_from_pool(
    pool: ProcessPoolExecutor, tasks: Iterator[Task], in_flight: dict[Future[Outcome], Task], at_once: int
) -> Iterator[Outcome]:
    while True:
        for task in islice(tasks, at_once - len(in_flight)):
            in_flight[_submit(pool, task, in_flight)] = task
        if not in_flight:
            return
        done, _ = wait(in_flight, return_when=FIRST_COMPLETED)
        for future in done:
            outcome = future.result()
            del in_flight[future]
            yield outcome


def _submit(pool: ProcessPoolExecutor, task: Task, in_flight: dict[Future[Outcome], Task]) -> Future[Outcome]:
    try:
        return pool.submit(_forecast, task)
    except BrokenProcessPool:
        in_flight[Future()] = task  # taken from the tasks already: it must not be lost with the pool
        raise


def _forecast_alone(task: Task) -> Outcome:
    try:
        with _pool(1) as pool:
            return pool.submit(_forecast, task).result()
    except BrokenProcessPool:
        return Failure(task.series, "its process died")


def _forecast(task: Task) -> Outcome:
    try:
        return calculate_forecast(task.series, task.days_left_in_month)
    except Exception as error:
        return Failure(task.series, f"{type(error).__name__}: {error}"[:LONGEST_REASON])


def _pool(workers: int) -> ProcessPoolExecutor:
    # forkserver: Prophet is imported once, and no worker inherits the database connection, which would keep
    # the night's lock alive after this process was killed.
    context = multiprocessing.get_context("forkserver")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin_worker)


def _begin_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to answer
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
