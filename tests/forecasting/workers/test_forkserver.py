"""Worker processes begin with Prophet imported, and without its plots."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor


def imported() -> set[str]:
    return {"prophet", "cmdstanpy", "matplotlib"} & sys.modules.keys()


def test_worker_begins_with_prophet_and_without_matplotlib() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("forkserver")) as pool:
        assert pool.submit(imported).result() == {"prophet", "cmdstanpy"}
