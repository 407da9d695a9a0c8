"""The server process that worker processes are forked from, with Prophet imported once."""

import multiprocessing
from multiprocessing import forkserver

PRELOADED = ["forecasting.model.prophet_model", "forecasting.workers.pool"]


def warm_up() -> None:
    """Start importing Prophet in the background. This module imports little, so it can be called first."""
    multiprocessing.set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()
