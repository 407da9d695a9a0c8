"""The process that worker processes are forked from, with Prophet imported once."""

import multiprocessing
from multiprocessing import forkserver

PRELOADED = ["prophet", "cmdstanpy"]


def warm_up() -> None:
    """Start importing Prophet in the background. Light, so that it can be the first thing done."""
    multiprocessing.set_forkserver_preload(PRELOADED)
    forkserver.ensure_running()
