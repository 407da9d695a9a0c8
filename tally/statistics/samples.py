"""Moments of one side, and the t interval that its shape allows."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from tally.statistics.student import normal_quantile, t_quantile

Values = Sequence[Any] | npt.NDArray[Any]  # numbers, Decimal too

# A sample shows less of a heavy tail than there is, the less the fewer runs it has, and the heavier the tail.
# Its kurtosis and its skewness count as more, and each side's error as a little more where it has about 30
# runs. Found by a search over 350 pairs of shapes and sizes of 30 to 400 runs; bench/statistics.py measures
# them: 93 to 97% are covered, but 92.7% where 30 runs of the mixture are beside another shape, as one sample
# in 24 has none of its dear runs, and 97.3% of 30 gamma runs. Without them it is 91% of 30 lognormal runs
# beside 200: only sides of one size and shape err alike.
UNSEEN_TAIL = 100.0  # divided by the runs
UNSEEN_SKEW = 5.0  # times the root of the skewness, divided by the runs to the power of 2/3
UNSEEN_SPREAD = 0.05  # of 30 runs; of 60 a sixteenth of it
FEW_RUNS = 30
# An Edgeworth expansion moves the interval to the side of the heavier tail: further there than it takes away
# on the other side.
FURTHER, LESS, LEAST = 0.55, 1.25, 1.0
# Differences of pairs have two heavy tails, whose sample leans to one of them by chance.
LESS_PAIRED = 0.45
MIN_FREEDOM = 3.0
USUAL_QUANTILE = normal_quantile(0.975)


class Sample(NamedTuple):
    """Count, mean and shape of one side."""

    runs: int
    mean: float
    variance: float
    skewness: float
    excess_kurtosis: float
    largest_share: float

    @property
    def freedom(self) -> float:
        """Degrees of freedom of the variance: few where a heavy tail makes it uncertain."""
        excess = max(self.excess_kurtosis, 0.0) / self.runs
        return 2 / ((1 + UNSEEN_TAIL / self.runs) * excess * (1 + excess) + 2 / (self.runs - 1))

    @property
    def likely_skewness(self) -> float:
        """The skewness that a sample with this one likely has been taken from."""
        unseen = UNSEEN_SKEW * math.sqrt(abs(self.skewness)) / math.pow(self.runs, 2 / 3)
        return self.skewness * (1 + unseen)

    @property
    def spread(self) -> float:
        """The factor of the error that so few runs need."""
        return 1 + UNSEEN_SPREAD * math.pow(FEW_RUNS / self.runs, 4)


class Part(NamedTuple):
    """One side of an estimate, or differences of pairs: sign, squared standard error, moments."""

    sign: int
    squared_error: float
    sample: Sample
    is_log: bool
    is_paired: bool = False

    @property
    def skew(self) -> float:
        """Third cumulant of the side's mean, in units of its estimate."""
        return float(self.sample.likely_skewness * self.squared_error**1.5 / math.sqrt(self.sample.runs))


def summarize(values: Values) -> Sample:
    """Calculate the moments of a side; raise ValueError for what is not a finite number."""
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not np.isfinite(numbers).all():
        raise ValueError("Statistics need a list of finite numbers.")
    count, mean = len(numbers), float(numbers.mean())
    deviations = numbers - mean
    second = float(np.mean(deviations**2))
    # Equal values differ from their mean by rounding alone, which has no shape.
    is_constant = second <= (1e-12 * abs(mean)) ** 2
    total = float(numbers.sum())
    return Sample(
        count,
        mean,
        0.0 if is_constant else second * count / max(count - 1, 1),
        0.0 if is_constant else float(np.mean(deviations**3)) / second**1.5,
        0.0 if is_constant else float(np.mean(deviations**4)) / second**2 - 3,
        float(numbers.max()) / total if total > 0 else 1.0,
    )


def from_powers(runs: int, powers: Sequence[Fraction], largest: Fraction) -> Sample:
    """Calculate the same from the exact sums of the values and of their squares, cubes and fourth powers."""
    mean, square, cube, fourth = (power / runs for power in powers)
    second = square - mean**2
    if second <= 0:
        return Sample(runs, float(mean), 0.0, 0.0, 0.0, float(largest / powers[0]) if powers[0] > 0 else 1.0)
    third = cube - 3 * mean * square + 2 * mean**3
    peak = fourth - 4 * mean * cube + 6 * mean**2 * square - 3 * mean**4
    return Sample(
        runs,
        float(mean),
        float(second * runs / max(runs - 1, 1)),
        float(third / second) / math.sqrt(second),
        float(peak / second**2) - 3,
        float(largest / powers[0]) if powers[0] > 0 else 1.0,
    )


def calculate_reach(parts: Sequence[Part], alpha: float) -> tuple[float, float]:
    """Return how far an interval reaches below and above its estimate.

    A t interval with Welch's degrees of freedom, each side's reduced for its kurtosis, and moved by the first
    term of an Edgeworth expansion for skewness. A smaller `alpha` reaches further on both sides.
    """
    variance = sum(part.squared_error for part in parts)
    if variance <= 0:
        return 0.0, 0.0
    freedom = variance**2 / sum(part.squared_error**2 / part.sample.freedom for part in parts)
    quantile = t_quantile(1 - alpha / 2, round(max(freedom, MIN_FREEDOM), 3))
    error = math.sqrt(sum(part.squared_error * part.sample.spread**2 for part in parts))
    shift = _calculate_shift(parts, variance)
    further = FURTHER * abs(shift) * (normal_quantile(1 - alpha / 2) / USUAL_QUANTILE) ** 2
    weight = LESS_PAIRED if any(part.is_paired for part in parts) else LESS
    less = min(weight * abs(shift), LEAST)
    heavier, lighter = error * (quantile + further), error * max(quantile - less, 0.0)
    return (heavier, lighter) if shift > 0 else (lighter, heavier)


def _calculate_shift(parts: Sequence[Part], variance: float) -> float:
    """Shift of the studentized estimate at 95%: its mean and its skewness, by the delta method."""
    mean = skewness = 0.0
    for part in parts:
        curve = part.squared_error**2 if part.is_log else 0.0
        mean += part.sign * (curve - part.skew) / 2
        skewness += part.sign * (3 * curve - 2 * part.skew)
    return (mean + skewness * (USUAL_QUANTILE**2 - 1) / 6) / float(variance**1.5)
