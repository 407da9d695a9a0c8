"""One Tally to a TALLY_HOME: a lock that the system frees when its holders are gone, however they went."""

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
    """Who holds the lock: its process, what it is (`up` or another program with a stack), its first port."""

    pid: int
    kind: str
    port: int | None = None

    @property
    def is_alive(self) -> bool:
        return processes.describe(self.pid)[0] is not None


class HomeLock:
    """Held from start to end of a run, by the stack's process too: it outlives a killed `tally up` just
    as long as the stack does."""

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
            # A killed run's stack is still stopping: worth a wait. A living one is not.
            if (holder and holder.is_alive) or time.monotonic() > deadline:
                os.close(self.descriptor)
                raise TallyError(_taken_message(path, holder))
            time.sleep(0.1)

    def release(self) -> None:
        """Let the next start begin."""
        os.close(self.descriptor)


def lock_home(home: Home, kind: str, port: int) -> HomeLock:
    """Take the folder for this process, or raise TallyError naming who has it."""
    return HomeLock(home.lock_file, kind, port)


def find_holder(home: Home) -> Holder | None:
    """Who runs Tally in this folder now; None when nobody does."""
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
    """What the lock's file says of its last holder."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _taken_message(path: Path, holder: Holder | None) -> str:
    who = f" (process {holder.pid})" if holder else ""
    return (
        f"Tally is already running on the data in {path.parent}{who}. "
        "End it with `tally down`, or use another folder with TALLY_HOME."
    )
