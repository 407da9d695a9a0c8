"""Holm's adjustment for several comparisons with one baseline."""

from collections.abc import Callable, Sequence

from tally.statistics.intervals import Interval, Ratio, TooFew


def adjust(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p-values, in the order given: all claims below 0.05 hold together at 95%."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, p_values[index] * (len(order) - rank)))
        adjusted[index] = largest
    return adjusted


def find_p_value(
    interval_at: Callable[[float], Interval | Ratio | TooFew], excludes: Callable[[Interval | Ratio], bool]
) -> float:
    """Return the smallest alpha whose interval excludes what is tested: 1 if none does.

    Inverts the very interval that is shown, so that a p-value never contradicts it.
    """
    low, high = 1e-9, 1.0 - 1e-9
    if _holds(interval_at(low), excludes):
        return low
    if not _holds(interval_at(high), excludes):
        return 1.0
    for _ in range(40):
        middle = (low * high) ** 0.5 if low * 100 < high else (low + high) / 2
        if _holds(interval_at(middle), excludes):
            high = middle
        else:
            low = middle
    return high


def _holds(result: Interval | Ratio | TooFew, excludes: Callable[[Interval | Ratio], bool]) -> bool:
    return not isinstance(result, TooFew) and excludes(result)
