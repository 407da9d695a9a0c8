"""Terminal output of `tally up`."""

import threading
from datetime import datetime

LONG_STEP_SECONDS = 1.0


class StepAnnouncer:
    """Prints the name of a step once it has taken longer than a second; quick steps print nothing."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def begin(self, step: str) -> None:
        """Start timing a step; the previous one is over."""
        self.end()
        self._timer = threading.Timer(LONG_STEP_SECONDS, print_line, [f"{step} …"])
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """Finish the current step."""
        if self._timer is not None:
            self._timer.cancel()


def print_line(text: str) -> None:
    """Print one line at once, even into a pipe."""
    print(text, flush=True)


def print_event(text: str) -> None:
    """Print something that happened while Tally runs, with the time of day."""
    print_line(f"{datetime.now().astimezone():%H:%M:%S} {text}")
