"""Measurements: a value, its baseline, and the bar that their ratio must meet."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value and its baseline from the same run; `bar` limits `ratio`."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    bar: float | None = None
    at_least: bool = False  # the bar is a minimum instead of a maximum

    @property
    def holds(self) -> bool:
        """Return whether the bar is met; true without a bar."""
        if self.bar is None or self.ratio is None:
            return True
        return self.ratio >= self.bar if self.at_least else self.ratio <= self.bar

    def to_json(self) -> dict[str, object]:
        """The row of results.json."""
        return asdict(self) | {"holds": self.holds}


def seconds(action: Callable[[], object]) -> float:
    """Time one call."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def interleaved(actions: Mapping[str, Callable[[], object]], repeats: int = REPEATS) -> dict[str, float]:
    """Median seconds of each action; the actions take turns, so noise affects all of them."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            taken[name].append(seconds(action))
    return {name: median(values) for name, values in taken.items()}
