"""Progress bars on a terminal."""

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

REFRESH_SECONDS = 0.2


class ByteMeter:
    """A bar per label on standard error while bytes are read; prints nothing into a pipe."""

    are_bytes = True

    def __init__(self) -> None:
        self._bars: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._refresh_at = 0.0

    def show(self, done: int, total: int, label: str) -> None:
        """Update a bar; most calls return at once, as it is redrawn a few times a second."""
        if self._bars is None or time.monotonic() < self._refresh_at:
            return
        self._refresh_at = time.monotonic() + REFRESH_SECONDS
        if label not in self._tasks:
            self._tasks[label] = self._bars.add_task(label, completed=done, total=total)
        self._bars.update(self._tasks[label], completed=done, total=total, refresh=True)

    def __enter__(self) -> "ByteMeter":
        if sys.stderr.isatty():
            self._bars = _new_bars(self.are_bytes)
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()


class RowMeter(ByteMeter):
    """The same while rows are read."""

    are_bytes = False


def _new_bars(are_bytes: bool) -> "Progress":
    from rich.console import Console  # lazily: takes 60 ms, and a pipe shows no progress
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn() if are_bytes else MofNCompleteColumn(),
        console=Console(stderr=True),
        auto_refresh=False,  # no refresh thread during the scan
        transient=True,
    )
