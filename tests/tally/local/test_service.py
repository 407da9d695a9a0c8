"""A service that ends is restarted, each time after a longer pause."""

import pytest

from tally.core.errors import TallyError
from tally.local.service import Watchdog


class Fragile:
    """A service that has ended every time it is polled."""

    name = "The service"

    def __init__(self, refuses: int = 0) -> None:
        self.starts = 0
        self.refuses = refuses
        self.ended = True

    def start(self) -> None:
        self.starts += 1
        if self.starts <= self.refuses:
            raise TallyError("It cannot start.")

    def stop(self) -> None:
        pass

    def has_ended(self) -> bool:
        return self.ended


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("tally.local.service.time.monotonic", lambda: now[0])
    return now


def test_pauses_grow_to_a_minute(clock: list[float]) -> None:
    events: list[str] = []
    service = Fragile()
    watchdog = Watchdog(service, events.append)
    for _ in range(2000):
        watchdog.poll()
        clock[0] += 0.1
    pauses = [line.split()[-2] for line in events if "ended" in line]
    assert pauses == ["1", "2", "4", "8", "16", "32", "60", "60", "60"]
    assert service.starts == 8


def test_pauses_are_short_again_after_a_healthy_minute(clock: list[float]) -> None:
    events: list[str] = []
    service = Fragile()
    watchdog = Watchdog(service, events.append)
    for _ in range(100):
        watchdog.poll()
        clock[0] += 0.1
    service.ended = False
    for _ in range(100):
        watchdog.poll()
        clock[0] += 1
    events.clear()
    service.ended = True
    watchdog.poll()
    assert events == ["The service ended unexpectedly; restarting in 1 s."]


def test_failed_start_is_reported_and_retried(clock: list[float]) -> None:
    events: list[str] = []
    service = Fragile(refuses=1)
    watchdog = Watchdog(service, events.append)
    for _ in range(40):
        watchdog.poll()
        service.ended = service.starts == 0
        clock[0] += 0.1
    assert events == [
        "The service ended unexpectedly; restarting in 1 s.",
        "It cannot start; restarting in 2 s.",
        "The service is running again.",
    ]
