"""Results of comparisons: an interval, a ratio, or the reason why there are too few runs."""

from typing import NamedTuple

MIN_RUNS = 30  # of a side; below, intervals of skewed costs miss the truth too often
MAX_SHARE_OF_ONE_RUN = 0.2


class Interval(NamedTuple):
    """An estimate and the bounds around it."""

    estimate: float
    low: float
    high: float


class Ratio(NamedTuple):
    """Costs of the other side over costs of the base: 0.62 is 38% less.

    `is_dominated`: one run is more than a fifth of its side's cost. The interval is wide then and still
    covers; a verdict on it would hang on one run. Leaving such intervals out would make those that
    remain too narrow: samples without a large run are the ones that underestimate their spread.
    """

    estimate: float
    low: float
    high: float
    is_dominated: bool = False


class TooFew(NamedTuple):
    """The reason why nothing can be said yet, as the end of "Too few to say: …"."""

    reason: str


def find_missing(base: int, other: int) -> TooFew | None:
    """Return the reason if a side has fewer than MIN_RUNS."""
    if min(base, other) >= MIN_RUNS:
        return None
    return TooFew(f"{base} and {other} runs, and each side needs {MIN_RUNS}")
