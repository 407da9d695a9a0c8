"""The baseline of bench/nightly.py: only Prophet fits, one for each history of a file."""

import logging
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from prophet import Prophet

from forecasting.model.prophet_model import settings

logging.getLogger("cmdstanpy").disabled = True


def fit(y: NDArray[np.float64]) -> None:
    """Fit with the same settings as the nightly job."""
    prophet = Prophet(**settings(len(y)))
    prophet.fit(pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=len(y)), "y": y}))


def main(histories: Path, workers: int) -> None:
    """Fit every history, on `workers` processes; forking is the cheapest way to start them."""
    with np.load(histories) as stored:
        series = list(stored.values())
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(fit, series, chunksize=4))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
