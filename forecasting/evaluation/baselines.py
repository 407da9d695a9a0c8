"""What a forecast must beat: the guesses that anyone would make, and the textbook methods of statsforecast.

The second need another pandas than Prophet, so they run in an environment of their own: this module, run
there as `python -m forecasting.evaluation.baselines`, reads histories as lines of JSON and writes a line for
each.
"""

import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

HORIZON_DAYS = 30
QUANTILES = np.array([0.025, 0.1, 0.5, 0.9, 0.975])  # the middle one is the point forecast
CHECKOUT = Path(__file__).resolve().parents[2]
PYTHON = CHECKOUT / ".venv" / "baselines" / "bin" / "python"
HOW_TO_GET = "AutoETS, SES and AutoARIMA are left out: `make baselines` installs statsforecast for them."
WEEK = 7
MIN_DAYS_FOR_WEEK = 28


class BaselinesFailed(Exception):
    """The environment with statsforecast does not work."""


def forecast_naively(y: Array) -> Array:
    """Every day as the last one."""
    return _with_weekly_changes(y, np.repeat(y[-1], HORIZON_DAYS))


def forecast_last_week(y: Array) -> Array:
    """Every day as the same day of the last week."""
    return _with_weekly_changes(y, np.resize(y[-WEEK:], HORIZON_DAYS))


def forecast_mean(y: Array) -> Array:
    """Every day as the mean of the last 28, its range that of the last 56."""
    quantiles = np.repeat(np.quantile(y[-56:], QUANTILES)[:, None], HORIZON_DAYS, axis=1)
    quantiles[2] = y[-28:].mean()
    return quantiles


SIMPLE: dict[str, Callable[[Array], Array]] = {
    "naive": forecast_naively,
    "seasonal naive": forecast_last_week,
    "mean of 28 days": forecast_mean,
}
TEXTBOOK = ("AutoETS", "SES", "AutoARIMA")


def _with_weekly_changes(y: Array, predicted: Array) -> Array:
    changes = y[WEEK:] - y[:-WEEK] if len(y) > 10 else y - y.mean()
    around = np.quantile(changes, QUANTILES)
    around[2] = 0
    quantiles: Array = np.clip(predicted + around[:, None], 0, None)
    return quantiles


def is_textbook_installed() -> bool:
    """Whether the environment with statsforecast is there."""
    return PYTHON.exists()


def stream_textbook(histories: Sequence[Array], processes: int) -> Iterator[dict[str, Array]]:
    """The forecasts of every history, in order, from the other environment; NaN where a method gave none."""
    command = [str(PYTHON), "-m", "forecasting.evaluation.baselines", str(processes)]
    lines = "\n".join(json.dumps(y.tolist()) for y in histories)
    with subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None  # noqa: S101 - given above
        assert process.stdout is not None  # noqa: S101 - given above
        with suppress(BrokenPipeError):  # it ended before it read anything: its exit code tells
            process.stdin.write(lines)
            process.stdin.close()
        for line in process.stdout:
            yield {name: np.array(quantiles, dtype=float) for name, quantiles in json.loads(line).items()}
    if process.returncode:
        raise BaselinesFailed("AutoETS, SES and AutoARIMA are left out: statsforecast ended with an error.")


def forecast_by_textbook(y: list[float]) -> dict[str, list[list[float | None]]]:
    """Each method's quantiles. SES has no range of its own, so only its middle is there."""
    from statsforecast.models import (  # type: ignore[import-not-found]
        AutoARIMA,
        AutoETS,
        SimpleExponentialSmoothingOptimized,
    )

    week = WEEK if len(y) >= MIN_DAYS_FOR_WEEK else 1
    methods = (
        AutoETS(season_length=WEEK if len(y) > 2 * WEEK else 1),
        SimpleExponentialSmoothingOptimized(),
        AutoARIMA(season_length=week, max_p=2, max_q=2, max_P=1, max_Q=1, nmodels=10, approximation=True),
    )
    return {name: _forecast(method, y) for name, method in zip(TEXTBOOK, methods, strict=True)}


def _forecast(method: Any, y: list[float]) -> list[list[float | None]]:
    levels = {} if type(method).__name__.startswith("Simple") else {"level": [80, 95]}
    nothing: list[float | None] = [None] * HORIZON_DAYS
    try:
        made = method.forecast(y=np.array(y), h=HORIZON_DAYS, **levels)
    except Exception:  # a method that cannot cope with a history has no forecast of it, and the rest go on
        return [nothing] * len(QUANTILES)
    names = ("lo-95", "lo-80", "mean", "hi-80", "hi-95")
    return [np.clip(made[name], 0, None).tolist() if name in made else nothing for name in names]


def main() -> None:
    """Histories in, forecasts out, in the same order."""
    warnings.filterwarnings("ignore")
    os.environ["OMP_NUM_THREADS"] = "1"
    histories = [json.loads(line) for line in sys.stdin]
    importlib.import_module("statsforecast.models")  # once, before the processes part
    with multiprocessing.get_context("fork").Pool(int(sys.argv[1])) as pool:
        for forecasts in pool.imap(forecast_by_textbook, histories):
            print(json.dumps(forecasts), flush=True)


if __name__ == "__main__":
    main()
