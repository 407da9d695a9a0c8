"""Lock that lets one collection run at a time on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tally.core.errors import TallyError

FILE = "collect.lock"


@contextmanager
def lock_collection(folder: Path) -> Iterator[None]:
    """Hold the lock, or raise TallyError: two runs must not move the same read positions."""
    try:
        with FileLock(folder / FILE, timeout=0, mode=0o600):
            yield
    except Timeout:
        raise TallyError("Another collection is running on this machine. Wait for it to finish.") from None
