"""How likely a month passes a limit, and on which day: read from the distribution of its total."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from tally.core.quantile_levels import LEVELS

ROUND_STEPS = ("1", "1.25", "1.5", "2", "2.5", "3", "4", "5", "6", "8", "10")
LIKELY = 0.5
RANGES = {
    0.025: "lower_bound_95",
    0.1: "lower_bound_80",
    0.5: "predicted_cost_usd",
    0.9: "upper_bound_80",
    0.975: "upper_bound_95",
}


class Distribution(NamedTuple):
    """The amounts that a total stays below with the chances `levels`, both ascending."""

    levels: Sequence[float]
    amounts: Sequence[Decimal]


class Passing(NamedTuple):
    """How likely a limit is passed, 1 where it is already; and the likeliest day, None where it never is."""

    limit: Decimal
    chance: float
    day: date | None


def read_distribution(total: Mapping[str, Any]) -> Distribution:
    """The distribution of a stored total; of one from before there were any, what its ranges tell."""
    if total["quantiles"]:
        return Distribution(LEVELS, total["quantiles"])
    return Distribution(list(RANGES), [total[name] for name in RANGES.values()])


def calculate_passing(
    distribution: Distribution, limit: Decimal, spent: Decimal, predicted: Mapping[date, float]
) -> Passing:
    """A limit against a month's total: `spent` by now, `predicted` for each of the days that are left."""
    chance = calculate_chance(distribution, limit, spent)
    return Passing(limit, chance, None if chance == 1 else find_day(distribution, limit, spent, predicted))


def calculate_chance(distribution: Distribution, limit: Decimal, spent: Decimal) -> float:
    """How likely the total ends above `limit`, now that it cannot end below what is spent; 1 once it has."""
    if spent >= limit:
        return 1.0
    possible = _calculate_chance_above(distribution, spent)
    return _calculate_chance_above(distribution, limit) / possible if possible else 0.0


def _calculate_chance_above(distribution: Distribution, amount: Decimal) -> float:
    """The chance of a larger total, with straight lines between the levels."""
    levels, amounts = distribution
    place = bisect_right(amounts, amount)
    if place == 0:
        return 1 - levels[0] * float(max(amount, Decimal(0)) / amounts[0])
    if place == len(amounts):
        # Beyond the last level the chance fades; a total that is known exactly has none.
        return (1 - levels[-1]) * float(amounts[-1] / amount) if amounts[0] < amounts[-1] else 0.0
    below, above = amounts[place - 1], amounts[place]
    part = float((amount - below) / (above - below))
    return 1 - levels[place - 1] - (levels[place] - levels[place - 1]) * part


def find_day(
    distribution: Distribution, limit: Decimal, spent: Decimal, predicted: Mapping[date, float]
) -> date | None:
    """The day on which most outcomes that pass the limit do so, each spread over the days as predicted."""
    days = sorted(predicted)
    if not days:
        return None
    shape = [predicted[day] for day in days] if sum(predicted.values()) > 0 else [1.0] * len(days)
    reached = [share / sum(shape) for share in accumulate(shape)]
    likelihood: dict[date, float] = defaultdict(float)
    for amount, weight in zip(distribution.amounts, _weigh(distribution.levels), strict=True):
        if amount > limit:
            needed = float((limit - spent) / (amount - spent))
            likelihood[
                next((day for day, part in zip(days, reached, strict=True) if part > needed), days[-1])
            ] += weight
    return max(sorted(likelihood), key=lambda day: likelihood[day], default=None)


def _weigh(levels: Sequence[float]) -> list[float]:
    """The share of all outcomes that is nearest to each level."""
    edges = [0.0, *((one + other) / 2 for one, other in pairwise(levels)), 1.0]
    return [above - below for below, above in pairwise(edges)]


def format_chance(chance: float) -> str:
    """A chance as one says it: what is not certain is neither 0% nor 100%."""
    if chance == 1:
        return "100%"
    if chance > 0.99:
        return ">99%"
    return "<1%" if chance < 0.01 else f"{chance:.0%}"


def round_limit(amount: Decimal) -> Decimal | None:
    """A round amount at or above another, to ask about where a person set no limit."""
    if amount <= 0:
        return None
    scale = Decimal(1).scaleb(amount.adjusted())
    return next(step * scale for step in map(Decimal, ROUND_STEPS) if step * scale >= amount)
