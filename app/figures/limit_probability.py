"""The probability that a month exceeds a limit, and the likely day, from the distribution of its total."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from tally.core.exceeding import LIKELY as LIKELY
from tally.core.exceeding import Distribution, calculate_probability, find_likeliest_day
from tally.core.quantile_levels import LEVELS

RANGES = {
    0.025: "lower_bound_95",
    0.1: "lower_bound_80",
    0.5: "predicted_cost_usd",
    0.9: "upper_bound_80",
    0.975: "upper_bound_95",
}


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


def format_probability(probability: float) -> str:
    """A percentage: 100% only if certain, and never 0%."""
    if probability == 1:
        return "100%"
    if probability > 0.99:
        return ">99%"
    return "<1%" if probability < 0.01 else f"{probability:.0%}"
