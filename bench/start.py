"""Time from `tally up` to a served sign-in page: on an empty folder, and warm."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.measurement import REPEATS, Measurement, Options
from tally.local import dashboard
from tests.embedded import free_port_block, temporary_home

STOP_SECONDS = 60


def measure(options: Options) -> list[Measurement]:
    """Start several times; only the first start creates the database."""
    with temporary_home(on_disk=True) as home:
        port = free_port_block()
        first, *warm = (_start_and_stop(home, port) for _ in range(1 + options.scaled(REPEATS)))
    return [
        Measurement("tally up to a served sign-in page, warm", median(warm), "s"),
        Measurement("tally up to a served sign-in page, first start on an empty folder", first, "s"),
    ]


def _start_and_stop(home: Path, port: int) -> float:
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "tally", "up"],
        env=_environment(home, port),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        return _wait_until_ready(process, port) - started
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=STOP_SECONDS)
        assert process.returncode == 0, output


def _wait_until_ready(process: subprocess.Popen[str], port: int) -> float:
    """Wait for the ready message: the page is served before the database, which sign-in needs, is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        if "Tally is ready" in line:
            assert dashboard.answers(port)
            return time.perf_counter()
    raise RuntimeError(f"`tally up` ended with exit code {process.wait(STOP_SECONDS)}.")


def _environment(home: Path, port: int) -> dict[str, str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("SUPABASE_", "DATABASE_"))
    }
    return {**environment, "TALLY_HOME": str(home), "TALLY_PORT": str(port)}
