"""What `tally up` tells the person in front of it."""

import threading
from datetime import datetime

LONG_STEP_SECONDS = 1.0


class Progress:
    """Names a step that takes longer than a second; quick ones pass in silence."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def begin(self, step: str) -> None:
        """A step begins, and the one before it is over."""
        self.end()
        self._timer = threading.Timer(LONG_STEP_SECONDS, say, [f"{step} …"])
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """No step is under way."""
        if self._timer is not None:
            self._timer.cancel()


def say(text: str) -> None:
    """One line for the person who watches."""
    print(text, flush=True)


def notice(text: str) -> None:
    """Something that happened while Tally runs, with the time of day."""
    say(f"{datetime.now().astimezone():%H:%M:%S} {text}")
