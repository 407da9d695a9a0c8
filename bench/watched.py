"""Duration of a program, and peak memory of its process and its largest child."""

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
    """Run a command to its end, and sample the peaks of its processes; raises if it fails."""
    started = perf_counter()
    running = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    parent = child = 0.0
    while True:
        parent = max(parent, _peak_mb(running.pid))
        child = max([child, *(_peak_mb(pid) for pid in _descendants(running.pid))])
        try:
            if running.wait(SAMPLE_SECONDS):
                raise subprocess.CalledProcessError(running.returncode, command)
            return Run(perf_counter() - started, parent, child)
        except subprocess.TimeoutExpired:
            continue


def _descendants(pid: int) -> Iterator[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:  # it ended meanwhile
        return
    for child in map(int, children):
        yield child
        yield from _descendants(child)


def _peak_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0)
