"""Child processes of `tally up`: whether they still run, and how they are ended."""

import subprocess
from typing import Any, TypeAlias

Child: TypeAlias = "subprocess.Popen[Any] | None"  # None before it was started


def has_ended(child: Child) -> bool:
    """True if the child ended by itself since it was started."""
    return child is not None and child.poll() is not None


def terminate(child: Child, seconds: float) -> None:
    """Ask a running child to end; kill it if it has not after these seconds."""
    if child is not None and child.poll() is None:
        child.terminate()
        wait_or_kill(child, seconds)


def wait_or_kill(child: "subprocess.Popen[Any]", seconds: float) -> None:
    """Wait for a child that was asked to end; kill it if it has not after these seconds."""
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
