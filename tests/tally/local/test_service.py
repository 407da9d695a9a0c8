"""A part that dies is started again, each time after a longer pause."""

import pytest

from tally.core.errors import TallyError
from tally.local.service import Kept


class Fragile:
    """A part that is dead whenever it is looked at."""

    name = "The part"

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
    said: list[str] = []
    part = Fragile()
    kept = Kept(part, said.append)
    for _ in range(2000):
        kept.tend()
        clock[0] += 0.1
    pauses = [line.split()[-2] for line in said if "ended" in line]
    assert pauses == ["1", "2", "4", "8", "16", "32", "60", "60", "60"]
    assert part.starts == 8


def test_pauses_are_short_again_after_a_healthy_while(clock: list[float]) -> None:
    said: list[str] = []
    part = Fragile()
    kept = Kept(part, said.append)
    for _ in range(100):
        kept.tend()
        clock[0] += 0.1
    part.ended = False
    for _ in range(100):
        kept.tend()
        clock[0] += 1
    said.clear()
    part.ended = True
    kept.tend()
    assert said == ["The part ended unexpectedly; starting it again in 1 s."]


def test_start_that_fails_is_said_and_tried_again(clock: list[float]) -> None:
    said: list[str] = []
    part = Fragile(refuses=1)
    kept = Kept(part, said.append)
    for _ in range(40):
        kept.tend()
        part.ended = part.starts == 0
        clock[0] += 0.1
    assert said == [
        "The part ended unexpectedly; starting it again in 1 s.",
        "It cannot start; starting it again in 2 s.",
        "The part is back.",
    ]
