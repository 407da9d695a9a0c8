"""Ratios of costs, tokens and latencies of two sides, whose runs are skewed."""

import math

import numpy as np

from tally.statistics.intervals import (
    MAX_SHARE_OF_ONE_RUN,
    MIN_RUNS,
    Interval,
    Ratio,
    TooFew,
    find_missing,
)
from tally.statistics.samples import Part, Sample, Values, calculate_reach, summarize

ALPHA = 0.05
MAX_REACH = 500.0  # on the log scale: any ratio at all, and no overflow


def compare_costs(base: Values, other: Values, alpha: float = ALPHA) -> Ratio | TooFew:
    """Compare mean costs per run: `other` over `base`, with its interval on the log scale."""
    missing = find_missing(len(base), len(other))
    return missing or compare_cost_samples(summarize(base), summarize(other), alpha)


def compare_cost_samples(base: Sample, other: Sample, alpha: float = ALPHA) -> Ratio | TooFew:
    """Compare the same from the moments of the sides."""
    sides = base, other
    unusable = find_missing(base.runs, other.runs) or _find_no_cost(*sides)
    if unusable:
        return unusable
    parts = [Part(sign, _relative_error(side), side, True) for sign, side in zip((-1, 1), sides, strict=True)]
    return _make_ratio(sides, calculate_reach(parts, alpha))


def cost_interval(sample: Sample, alpha: float = ALPHA) -> Interval | TooFew:
    """The mean of costs or tokens of one side, with its interval on the log scale."""
    if sample.runs < MIN_RUNS:
        return TooFew(f"{sample.runs} runs, and {MIN_RUNS} are needed")
    if sample.mean <= 0:
        return Interval(0.0, 0.0, 0.0)
    reach = calculate_reach([Part(1, _relative_error(sample), sample, True)], alpha)
    below, above = (math.exp(min(each, MAX_REACH)) for each in reach)
    return Interval(sample.mean, sample.mean / below, sample.mean * above)


def compare_paired_costs(base: Values, other: Values, alpha: float = ALPHA) -> Ratio | TooFew:
    """Compare costs of the same items, in the same order: what differs between items cancels."""
    if len(base) != len(other):
        raise ValueError("Paired costs need both sides of each item.")
    missing = find_missing(len(base), len(other))
    if missing:
        return missing
    sides = summarize(base), summarize(other)
    unusable = _find_no_cost(*sides)
    if unusable:
        return unusable
    base_numbers, other_numbers = np.asarray(base, np.float64), np.asarray(other, np.float64)
    residuals = summarize(other_numbers / sides[1].mean - base_numbers / sides[0].mean)
    part = Part(1, residuals.variance / residuals.runs, residuals, is_log=False, is_paired=True)
    return _make_ratio(sides, calculate_reach([part], alpha))


def _relative_error(side: Sample) -> float:
    return side.variance / (side.runs * side.mean**2)


def _find_no_cost(base: Sample, other: Sample) -> TooFew | None:
    if base.mean > 0 and other.mean > 0:
        return None
    return TooFew("the runs of a side add up to nothing, so that there is no ratio")


def _make_ratio(sides: tuple[Sample, Sample], reach: tuple[float, float]) -> Ratio:
    base, other = sides
    estimate = other.mean / base.mean
    is_dominated = max(base.largest_share, other.largest_share) > MAX_SHARE_OF_ONE_RUN
    below, above = (math.exp(min(each, MAX_REACH)) for each in reach)
    return Ratio(estimate, estimate / below, estimate * above, is_dominated)
