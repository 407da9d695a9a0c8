"""A part of Tally that must always run: started again, with growing pauses, when it dies."""

import time
from collections.abc import Callable
from typing import Protocol

from tally.core.errors import TallyError

LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_SECONDS = 60.0


class Service(Protocol):
    """What can be kept running."""

    name: str

    def start(self) -> None:
        """Return when it works; raise TallyError with the reason when it does not."""

    def stop(self) -> None:
        """End it in order; nothing happens if it does not run."""

    def has_ended(self) -> bool:
        """Whether it died since it was started."""


class Kept:
    """Watches one service. `tend` is called several times a second and never blocks for long."""

    def __init__(self, service: Service, say: Callable[[str], None]) -> None:
        self.service, self.say = service, say
        self.failures = 0
        self.started_at = time.monotonic()
        self.start_again_at: float | None = None

    def tend(self) -> None:
        """Notice a death, and start again when the pause is over."""
        now = time.monotonic()
        if self.start_again_at is not None:
            if now >= self.start_again_at:
                self._start_again()
        elif self.service.has_ended():
            if now - self.started_at > HEALTHY_SECONDS:
                self.failures = 0
            self._pause(f"{self.service.name} ended unexpectedly")

    def _pause(self, reason: str) -> None:
        seconds = min(2.0**self.failures, LONGEST_PAUSE_SECONDS)
        self.failures += 1
        self.start_again_at = time.monotonic() + seconds
        self.say(f"{reason}; starting it again in {seconds:.0f} s.")

    def _start_again(self) -> None:
        self.start_again_at = None
        try:
            self.service.stop()
            self.service.start()
        except TallyError as problem:
            self._pause(str(problem).rstrip("."))
            return
        self.started_at = time.monotonic()
        self.say(f"{self.service.name} is back.")
