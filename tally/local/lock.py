"""The lock on TALLY_HOME: one running Tally per folder.

flock by hand rather than filelock: the stack's Node process inherits the descriptor, so that the lock
outlives a killed `tally up` for as long as the stack runs. The kernel releases it when the last holder has
ended, however it ended.
"""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from tally.core.errors import TallyError
from tally.local import processes
from tally.local.home import Home

WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that took the lock, its kind (`up`, or another program with a stack) and its first port."""

    pid: int
    kind: str
    port: int | None = None

    @property
    def is_alive(self) -> bool:
        return processes.is_running(self.pid)


class HomeLock:
    """A lock held from start to end of a run."""

    def __init__(self, path: Path, kind: str, port: int) -> None:
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._take(path)
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, json.dumps(asdict(Holder(os.getpid(), kind, port))).encode(), 0)

    def _take(self, path: Path) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            try:
                return fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = read_holder(path)
            # The stack of a killed run stops within seconds, so waiting helps; a running one keeps the lock.
            if (holder and holder.is_alive) or time.monotonic() > deadline:
                os.close(self.descriptor)
                raise TallyError(_taken_message(path, holder))
            time.sleep(0.1)

    def release(self) -> None:
        """Let the next run start."""
        os.close(self.descriptor)


def lock_home(home: Home, kind: str, port: int) -> HomeLock:
    """Lock the folder for this process, or raise TallyError naming the holder."""
    return HomeLock(home.lock_file, kind, port)


def find_holder(home: Home) -> Holder | None:
    """The process that runs Tally in this folder, or None."""
    try:
        descriptor = os.open(home.lock_file, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(home.lock_file) or Holder(0, "unknown")
    finally:
        os.close(descriptor)
    return None


def read_holder(path: Path) -> Holder | None:
    """The latest holder that the lock file records; it may have ended since."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _taken_message(path: Path, holder: Holder | None) -> str:
    process = f" (process {holder.pid})" if holder else ""
    return (
        f"Tally is already running on the data in {path.parent}{process}. "
        "Stop it with `tally down`, or use another folder with TALLY_HOME."
    )
