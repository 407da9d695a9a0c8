"""Measurements: a value, its baseline, and the bar that their ratio must meet; the options of a run."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Options:
    """Options of a run; benches without sizes or without a comparison ignore them."""

    scale: float = 1.0  # share of the full size: a quick run shows that a bench works, but measures nothing
    before: Path | None = None  # an older checkout, whose schema some benches compare with

    def scaled(self, number: int) -> int:
        """The size of this run in place of the full one."""
        return max(1, round(number * self.scale))


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


def interleaved(
    actions: Mapping[str, Callable[[], object]], repeats: int = REPEATS, warm_up: int = 0
) -> dict[str, float]:
    """Median seconds of each action; the actions take turns, so noise affects all of them."""
    for _ in range(warm_up):
        for action in actions.values():
            action()
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            taken[name].append(seconds(action))
    return {name: median(values) for name, values in taken.items()}


def in_milliseconds(name: str, value: float, baseline: float, bar: float) -> Measurement:
    """Compare two durations in seconds."""
    return Measurement(name, value * 1000, "ms", baseline * 1000, value / baseline, bar)
