"""Progress callbacks of operations that take a while."""

from collections.abc import Callable

# Takes the units done, the total (0 while unknown) and a label of the current step, which may be empty.
Progress = Callable[[int, int, str], None]


def ignore_progress(done: int, total: int, label: str) -> None:
    """Default callback, which does nothing."""
