"""Restarts of a service that must always run, with growing pauses between attempts."""

import time
from collections.abc import Callable
from typing import Protocol

from tally.core.errors import TallyError

LONGEST_PAUSE_SECONDS = 60.0
HEALTHY_SECONDS = 60.0


class Stopped(Exception):
    """A stop was requested before everything was ready."""


class Service(Protocol):
    """A process that a watchdog can restart."""

    name: str

    def start(self) -> None:
        """Return when the service works; raise TallyError with the reason if it does not start."""

    def stop(self) -> None:
        """Shut down in order; does nothing when the service is not running."""

    def has_ended(self) -> bool:
        """True if the process ended by itself since it was started."""


class Polled(Protocol):
    """A part that `tally up` calls several times a second."""

    def poll(self) -> None:
        """Do what is due."""


class Watchdog:
    """Watches one service. `poll` is called several times a second and blocks only while it restarts."""

    def __init__(self, service: Service, notify: Callable[[str], None]) -> None:
        self.service, self.notify = service, notify
        self.failures = 0
        self.started_at = time.monotonic()
        self.restart_at: float | None = None

    def poll(self) -> None:
        """Notice that the service ended, and restart it when the pause is over."""
        now = time.monotonic()
        if self.restart_at is not None:
            if now >= self.restart_at:
                self._restart()
        elif self.service.has_ended():
            if now - self.started_at > HEALTHY_SECONDS:
                self.failures = 0
            self._pause(f"{self.service.name} ended unexpectedly")

    def _pause(self, reason: str) -> None:
        seconds = min(2.0**self.failures, LONGEST_PAUSE_SECONDS)
        self.failures += 1
        self.restart_at = time.monotonic() + seconds
        self.notify(f"{reason}; restarting in {seconds:.0f} s.")

    def _restart(self) -> None:
        self.restart_at = None
        try:
            self.service.stop()
            self.service.start()
        except TallyError as problem:
            self._pause(str(problem).rstrip("."))
            return
        self.started_at = time.monotonic()
        self.notify(f"{self.service.name} is running again.")
