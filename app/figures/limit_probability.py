"""The probability that a month exceeds a limit, and the likely day, from the distribution of its total."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from tally.core.quantile_levels import LEVELS

LIKELY = 0.5
RANGES = {
    0.025: "lower_bound_95",
    0.1: "lower_bound_80",
    0.5: "predicted_cost_usd",
    0.9: "upper_bound_80",
    0.975: "upper_bound_95",
}


class Distribution(NamedTuple):
    """Quantiles of a total: with probability `levels[n]` it stays below `amounts[n]`; both ascend."""

    levels: Sequence[float]
    amounts: Sequence[Decimal]


class LimitProbability(NamedTuple):
    """The probability of exceeding a limit (1 once exceeded), and the likeliest day, if there is one."""

    limit: Decimal
    probability: float
    day: date | None


def read_distribution(total: Mapping[str, Any]) -> Distribution:
    """The quantiles of a stored total; older totals have only the bounds of their ranges."""
    if total["quantiles"]:
        return Distribution(LEVELS, total["quantiles"])
    return Distribution(list(RANGES), [total[name] for name in RANGES.values()])


def calculate_limit_probability(
    distribution: Distribution, limit: Decimal, spent: Decimal, predicted: Mapping[date, float]
) -> LimitProbability:
    """Compare a month's total with a limit.

    `spent` is the spend so far, `predicted` the forecast of each remaining day.
    """
    probability = calculate_probability(distribution, limit, spent)
    day = None if probability == 1 else find_likeliest_day(distribution, limit, spent, predicted)
    return LimitProbability(limit, probability, day)


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
        return 1 - levels[0] * float(max(amount, Decimal(0)) / amounts[0])
    if place == len(amounts):
        # Beyond the last level the tail decays with the amount; a total that is known exactly has no tail.
        return (1 - levels[-1]) * float(amounts[-1] / amount) if amounts[0] < amounts[-1] else 0.0
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


def format_probability(probability: float) -> str:
    """A percentage: 100% only if certain, and never 0%."""
    if probability == 1:
        return "100%"
    if probability > 0.99:
        return ">99%"
    return "<1%" if probability < 0.01 else f"{probability:.0%}"
