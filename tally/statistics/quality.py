"""Differences of quality between two sides: pass rates, ratings, numbers."""

import math

import numpy as np

from tally.statistics.intervals import MIN_RUNS, Interval, TooFew, find_missing
from tally.statistics.samples import Part, Sample, Values, calculate_reach, summarize
from tally.statistics.student import normal_quantile

ALPHA = 0.05


def rate_interval(passed: int, runs: int, alpha: float = ALPHA) -> Interval:
    """Wilson's score interval of a rate."""
    z = normal_quantile(1 - alpha / 2)
    rate = passed / runs
    middle = (rate + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * math.sqrt(rate * (1 - rate) / runs + z * z / (4 * runs * runs))
    # All or none passed: the bound is the rate itself, but for rounding.
    return Interval(rate, min(rate, max(0.0, middle - half)), max(rate, min(1.0, middle + half)))


def mean_interval(
    sample: Sample, alpha: float = ALPHA, bounds: tuple[float, float] | None = None
) -> Interval | TooFew:
    """The t interval of a mean of scores, which may have bounds."""
    if sample.runs < MIN_RUNS:
        return TooFew(f"{sample.runs} runs, and {MIN_RUNS} are needed")
    below, above = calculate_reach([Part(1, sample.variance / sample.runs, sample, False)], alpha)
    low, high = bounds or (-math.inf, math.inf)
    return Interval(sample.mean, max(low, sample.mean - below), min(high, sample.mean + above))


def compare_rates(
    base_passed: int, base_n: int, other_passed: int, other_n: int, alpha: float = ALPHA
) -> Interval | TooFew:
    """Compare pass rates, `other` minus `base` from -1 to 1: Newcombe's hybrid score interval."""
    missing = find_missing(base_n, other_n)
    if missing:
        return missing
    if not (0 <= base_passed <= base_n and 0 <= other_passed <= other_n):
        raise ValueError("No more runs can pass than there are.")
    base = rate_interval(base_passed, base_n, alpha)
    other = rate_interval(other_passed, other_n, alpha)
    difference = other.estimate - base.estimate
    return Interval(
        difference,
        max(-1.0, difference - math.hypot(other.estimate - other.low, base.high - base.estimate)),
        min(1.0, difference + math.hypot(other.high - other.estimate, base.estimate - base.low)),
    )


def compare_means(base: Values, other: Values, alpha: float = ALPHA) -> Interval | TooFew:
    """Compare means of ratings or numbers, `other` minus `base`: Welch's t."""
    return find_missing(len(base), len(other)) or compare_mean_samples(
        summarize(base), summarize(other), alpha
    )


def compare_mean_samples(base: Sample, other: Sample, alpha: float = ALPHA) -> Interval | TooFew:
    """Compare the same from the moments of the sides."""
    missing = find_missing(base.runs, other.runs)
    if missing:
        return missing
    parts = [Part(sign, side.variance / side.runs, side, False) for sign, side in ((-1, base), (1, other))]
    below, above = calculate_reach(parts, alpha)
    difference = other.mean - base.mean
    return Interval(difference, difference - below, difference + above)


def compare_paired_means(base: Values, other: Values, alpha: float = ALPHA) -> Interval | TooFew:
    """Compare ratings or numbers of the same items, in the same order."""
    if len(base) != len(other):
        raise ValueError("Paired scores need both sides of each item.")
    missing = find_missing(len(base), len(other))
    if missing:
        return missing
    side = summarize(np.asarray(other, np.float64) - np.asarray(base, np.float64))
    below, above = calculate_reach(
        [Part(1, side.variance / side.runs, side, is_log=False, is_paired=True)], alpha
    )
    return Interval(side.mean, side.mean - below, side.mean + above)
