"""The probability that a total exceeds an amount, and the likely day, from the quantiles of the total."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import NamedTuple

LIKELY = 0.5


class Distribution(NamedTuple):
    """Quantiles of a total: with probability `levels[n]` it stays below `amounts[n]`; both ascend."""

    levels: Sequence[float]
    amounts: Sequence[Decimal]


def calculate_probability(distribution: Distribution, limit: Decimal, spent: Decimal) -> float:
    """The probability of a total above `limit`, given that it cannot end below `spent`."""
    if spent >= limit:
        return 1.0
    possible = _calculate_tail(distribution, spent)
    return _calculate_tail(distribution, limit) / possible if possible else 0.0


def _calculate_tail(distribution: Distribution, amount: Decimal) -> float:
    """The probability of a larger total, linear between the levels."""
    levels, amounts = distribution
    place = bisect_right(amounts, amount)
    if place == 0:
        return 1 - levels[0] * float(amount / amounts[0]) if amount > 0 else 1.0
    if place == len(amounts):
        # Beyond the last level the tail decays with the amount. A total that is known exactly has none, nor
        # has one of credits alone.
        has_tail = amounts[0] < amounts[-1] and amounts[-1] > 0
        return (1 - levels[-1]) * float(amounts[-1] / amount) if has_tail else 0.0
    below, above = amounts[place - 1], amounts[place]
    part = float((amount - below) / (above - below))
    return 1 - levels[place - 1] - (levels[place] - levels[place - 1]) * part


def find_likeliest_day(
    distribution: Distribution, limit: Decimal, spent: Decimal, predicted: Mapping[date, float]
) -> date | None:
    """The day on which most outcomes above the limit cross it, if spend follows the predicted days."""
    days = sorted(predicted)
    if not days:
        return None
    shape = [predicted[day] for day in days] if sum(predicted.values()) > 0 else [1.0] * len(days)
    reached = [share / sum(shape) for share in accumulate(shape)]
    weights: dict[date, float] = defaultdict(float)
    for amount, weight in zip(distribution.amounts, _weigh(distribution.levels), strict=True):
        if amount > limit:
            needed = float((limit - spent) / (amount - spent))
            weights[_find_first_above(days, reached, needed)] += weight
    return max(sorted(weights), key=lambda day: weights[day], default=None)


def _find_first_above(days: Sequence[date], reached: Sequence[float], needed: float) -> date:
    """The first day by whose end more than `needed` of the remaining spend is reached."""
    return next((day for day, part in zip(days, reached, strict=True) if part > needed), days[-1])


def _weigh(levels: Sequence[float]) -> list[float]:
    """The share of all outcomes nearest to each level."""
    edges = [0.0, *((one + other) / 2 for one, other in pairwise(levels)), 1.0]
    return [above - below for below, above in pairwise(edges)]
