"""Worker processes: every series has an outcome, and one that fails or kills its process fails alone."""

import os
from collections.abc import Iterator
from datetime import date
from typing import Any, cast
from uuid import uuid4

import numpy as np
import pytest

from forecasting.model.forecast import Forecast
from forecasting.model.series import Series
from forecasting.workers.pool import Failure, Outcome, Task, stream_forecasts


class Deadly:
    """Kills the process that unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (9,)


def task(name: str, y: object = None) -> Task:
    days = np.random.default_rng(0).gamma(1, 3, 20) if y is None else y
    return Task(Series(uuid4(), name, date(2024, 1, 1), cast("Any", days), 20), 10)


def outcomes_of(stream: Iterator[Outcome]) -> dict[str, str]:
    completed = list(stream)
    found = {
        outcome.series.unique_id: outcome.reason if isinstance(outcome, Failure) else "forecast"
        for outcome in completed
    }
    assert len(found) == len(completed)  # each once
    return found


def outcomes(tasks: list[Task], workers: int) -> dict[str, str]:
    return outcomes_of(stream_forecasts(tasks, workers))


@pytest.mark.parametrize("workers", [0, 2])
def test_failed_series_is_named_and_the_others_are_forecast(workers: int) -> None:
    tasks = [task("a"), task("bad", np.full(20, np.nan)), task("b")]
    found = outcomes(tasks, workers)
    assert (found["a"], found["b"]) == ("forecast", "forecast")
    assert found["bad"].startswith("a day's spend")


def test_series_that_kills_its_process_fails_alone() -> None:
    tasks = [task(f"before {n}") for n in range(5)] + [task("deadly", Deadly())]
    tasks += [task(f"after {n}") for n in range(12)]
    found = outcomes(tasks, 2)
    assert found.pop("deadly") == "its process died"
    assert len(found) == 17
    assert set(found.values()) == {"forecast"}


def test_worker_process_gives_the_same_forecast() -> None:
    one = task("a")
    alone, spread = (next(iter(stream_forecasts([one], workers))) for workers in (0, 1))
    assert isinstance(alone, Forecast)
    assert isinstance(spread, Forecast)
    assert alone.predicted.tolist() == spread.predicted.tolist()
