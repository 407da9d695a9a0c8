"""Baselines that forecasts must beat: naive ones, and the textbook methods of statsforecast.

statsforecast and Prophet need different versions of pandas, so statsforecast has its own environment. Run
there as `python -m forecasting.evaluation.baselines`, this module reads one history per line of JSON and
writes one line of forecasts for each.
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
INSTALL_HINT = (
    "AutoETS, SES and AutoARIMA are left out: run `make baselines` in a checkout to install statsforecast."
)
WEEK = 7
MIN_DAYS_FOR_WEEK = 28


class BaselinesFailed(Exception):
    """The process with statsforecast ended with an error."""


def forecast_naively(y: Array) -> Array:
    """Repeat the last day."""
    return _with_weekly_changes(y, np.repeat(y[-1], HORIZON_DAYS))


def forecast_last_week(y: Array) -> Array:
    """Repeat the last week (seasonal naive)."""
    return _with_weekly_changes(y, np.resize(y[-WEEK:], HORIZON_DAYS))


def forecast_mean(y: Array) -> Array:
    """Repeat the mean of the last 28 days, with the quantiles of the last 56."""
    quantiles = np.repeat(np.quantile(y[-56:], QUANTILES)[:, None], HORIZON_DAYS, axis=1)
    quantiles[2] = y[-28:].mean()
    return quantiles


SIMPLE_BASELINES: dict[str, Callable[[Array], Array]] = {
    "naive": forecast_naively,
    "seasonal naive": forecast_last_week,
    "mean of 28 days": forecast_mean,
}
STATSFORECAST_METHODS = ("AutoETS", "SES", "AutoARIMA")


def _with_weekly_changes(y: Array, predicted: Array) -> Array:
    changes = y[WEEK:] - y[:-WEEK] if len(y) > 10 else y - y.mean()
    offsets = np.quantile(changes, QUANTILES)
    offsets[2] = 0
    quantiles: Array = np.clip(predicted + offsets[:, None], 0, None)
    return quantiles


def is_statsforecast_installed() -> bool:
    """Return whether the environment with statsforecast exists."""
    return PYTHON.exists()


def stream_statsforecast(histories: Sequence[Array], processes: int) -> Iterator[dict[str, Array]]:
    """Yield each history's quantiles by method, in order; NaN where a method has none."""
    command = [str(PYTHON), "-m", "forecasting.evaluation.baselines", str(processes)]
    lines = "\n".join(json.dumps(y.tolist()) for y in histories)
    with subprocess.Popen(  # noqa: S603 - a fixed command
        command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None  # noqa: S101 - it is a PIPE
        assert process.stdout is not None  # noqa: S101 - it is a PIPE
        with suppress(BrokenPipeError):  # the process ended early; its exit code is checked below
            process.stdin.write(lines)
            process.stdin.close()
        for line in process.stdout:
            yield {name: np.array(quantiles, dtype=float) for name, quantiles in json.loads(line).items()}
    if process.returncode:
        raise BaselinesFailed("AutoETS, SES and AutoARIMA are left out: statsforecast ended with an error.")


def forecast_with_statsforecast(y: list[float]) -> dict[str, list[list[float | None]]]:
    """Quantiles by method. SES has no ranges, only a point forecast."""
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
    return {name: _forecast(method, y) for name, method in zip(STATSFORECAST_METHODS, methods, strict=True)}


def _forecast(method: Any, y: list[float]) -> list[list[float | None]]:
    levels = {} if type(method).__name__.startswith("Simple") else {"level": [80, 95]}
    missing: list[float | None] = [None] * HORIZON_DAYS
    try:
        forecast = method.forecast(y=np.array(y), h=HORIZON_DAYS, **levels)
    except Exception:  # a method may fail on some histories
        return [missing] * len(QUANTILES)
    names = ("lo-95", "lo-80", "mean", "hi-80", "hi-95")
    return [np.clip(forecast[name], 0, None).tolist() if name in forecast else missing for name in names]


def main() -> None:
    """Read histories from stdin, and write their forecasts in the same order."""
    warnings.filterwarnings("ignore")
    os.environ["OMP_NUM_THREADS"] = "1"
    histories = [json.loads(line) for line in sys.stdin]
    importlib.import_module("statsforecast.models")  # once, before the processes fork
    with multiprocessing.get_context("fork").Pool(int(sys.argv[1])) as pool:
        for forecasts in pool.imap(forecast_with_statsforecast, histories):
            print(json.dumps(forecasts), flush=True)


if __name__ == "__main__":
    main()
