"""What a bench says: a value, what it is held against, and the bar it must not pass."""

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from statistics import median

REPEATS = 5


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value beside its baseline from the same run; ratio and bar have the same sense."""

    name: str
    value: float
    unit: str
    baseline: float | None = None
    ratio: float | None = None
    bar: float | None = None
    at_least: bool = False  # whether the ratio must reach the bar rather than stay below it

    @property
    def holds(self) -> bool:
        """Whether the bar is kept; true where there is none."""
        if self.bar is None or self.ratio is None:
            return True
        return self.ratio >= self.bar if self.at_least else self.ratio <= self.bar

    def to_json(self) -> dict[str, object]:
        """The row of results.json."""
        return asdict(self) | {"holds": self.holds}


def seconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def interleaved(actions: Mapping[str, Callable[[], object]], repeats: int = REPEATS) -> dict[str, float]:
    """The median seconds of each action, the actions taking turns so that noise hits all of them."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            taken[name].append(seconds(action))
    return {name: median(values) for name, values in taken.items()}
