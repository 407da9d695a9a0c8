"""Counts of Codex: how much each adds to the running sums of a session."""

from collections.abc import Mapping, Sequence
from typing import Any

from tally.agents.json_values import read_count

COUNTS = (
    "input_tokens",
    "cached_input_tokens",
    "cache_write_input_tokens",
    "output_tokens",
    "reasoning_output_tokens",
)
MAX_SUMS = 16  # of agents that count in one log

Sums = list[int]


def read_sums(usage: Mapping[str, Any]) -> Sums:
    """The counts of a usage; raises LineRejected."""
    return [read_count(usage, name) for name in COUNTS]


def add_count(sums: list[Sums], total: Sums | None, last: Sums | None) -> tuple[Sums, Sums] | None:
    """Add a count to the running sums, the newest last; returns its own usage and the sum that it led to.

    Several agents may count in one log, each from nothing: a total belongs to the largest sum that it
    continues. None for one that repeats a sum.
    """
    if total is None:
        if last is None:
            return None
        before = sums.pop() if sums else _nothing()
        total = [one + other for one, other in zip(before, last, strict=True)]
    elif total in sums:
        return None
    else:
        before = _take_continued(sums, total)
    sums.append(total)
    del sums[:-MAX_SUMS]
    return last or [now - then for now, then in zip(total, before, strict=True)], total


def largest_within(sums: Sequence[Sums], total: Sums) -> Sums | None:
    """The largest of these sums that the total may continue."""
    return max((one for one in sums if _continues(total, one)), default=None)


def _take_continued(sums: list[Sums], total: Sums) -> Sums:
    found = largest_within(sums, total)
    if found is None:
        return _nothing()
    sums.remove(found)
    return found


def _continues(total: Sums, earlier: Sums) -> bool:
    return all(now >= then for now, then in zip(total, earlier, strict=True))


def _nothing() -> Sums:
    return [0] * len(COUNTS)
