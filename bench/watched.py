"""A program as it runs: how long it took, and the most memory that it and its largest child held."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds, and peaks of resident memory."""

    seconds: float
    parent_mb: float
    child_mb: float


def run_watched(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Run:
    """Run to the end, which must be a good one, and look at the processes' peaks now and then."""
    started = perf_counter()
    running = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    parent = child = 0.0
    while True:
        parent = max(parent, _peak_mb(running.pid))
        child = max([child, *(_peak_mb(pid) for pid in _below(running.pid))])
        try:
            if running.wait(SAMPLE_SECONDS):
                raise subprocess.CalledProcessError(running.returncode, command)
            return Run(perf_counter() - started, parent, child)
        except subprocess.TimeoutExpired:
            continue


def _below(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it ended in between
        return
    for child in map(int, children):
        yield child
        yield from _below(child)


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0)
