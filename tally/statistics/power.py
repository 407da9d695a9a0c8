"""Runs that a verdict on quality needs, and the power of a number of runs."""

import math

import numpy as np
import numpy.typing as npt

from tally.statistics.intervals import MIN_RUNS
from tally.statistics.student import normal_quantile

ALPHA = 0.05
POWER = 0.8
MAX_RUNS = 1_000_000  # a margin that needs more is finer than experiments of this kind can tell
EXACT_UP_TO = 20_000  # beyond, the approximation differs by less than a run in a hundred


def needed_runs(rate: float, margin: float, power: float = POWER) -> int:
    """Return the runs a side needs for a truly equal variant to be shown not worse by `margin`.

    `rate` and `margin` are shares: 0.9 and 0.05. Starts at the usual formula and goes on until the interval
    that judges has the power, calculated exactly.
    """
    if not 0 < margin < 1:
        raise ValueError("The margin is more than 0 and less than 100 points.")
    runs = _approximate(max(rate * (1 - rate), 0.01 * margin), margin, power)
    while runs < EXACT_UP_TO and calculate_power(rate, margin, runs) < power:
        runs += max(1, runs // 100)
    return min(runs, MAX_RUNS)


def needed_runs_of_means(deviation: float, margin: float, power: float = POWER) -> int:
    """Return the runs a side needs when scores are numbers with this standard deviation."""
    if margin <= 0:
        raise ValueError("The margin is more than 0.")
    return min(_approximate(deviation**2, margin, power), MAX_RUNS)


def calculate_power(rate: float, margin: float, runs: int) -> float:
    """Return how often a truly equal variant passes with `runs` a side, at the true pass rate `rate`."""
    if runs > EXACT_UP_TO:
        error = math.sqrt(2 * max(rate * (1 - rate), 1e-12) / runs)
        return 1 - _tail(margin / error - normal_quantile(1 - ALPHA / 2))
    counts, chances = _binomial(runs, rate)
    z = normal_quantile(1 - ALPHA / 2)
    rates = counts / runs
    middle = (rates + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * np.sqrt(rates * (1 - rates) / runs + z * z / (4 * runs * runs))
    above, below = middle + half - rates, rates - (middle - half)
    lows = (rates[:, None] - rates[None, :]) - np.hypot(below[:, None], above[None, :])
    return float((chances[:, None] * chances[None, :])[lows > -margin].sum())


def _approximate(variance: float, margin: float, power: float) -> int:
    quantiles = normal_quantile(1 - ALPHA / 2) + normal_quantile(power)
    return max(MIN_RUNS, math.ceil(2 * variance * (quantiles / margin) ** 2))


def _binomial(runs: int, rate: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The numbers of passes that matter, and how likely each is."""
    if rate in (0, 1):
        return np.array([runs * rate]), np.ones(1)
    spread = 6 * math.sqrt(runs * rate * (1 - rate)) + 6
    low, high = max(0, math.floor(runs * rate - spread)), min(runs, math.ceil(runs * rate + spread))
    logs = [
        math.lgamma(runs + 1)
        - math.lgamma(count + 1)
        - math.lgamma(runs - count + 1)
        + count * math.log(rate)
        + (runs - count) * math.log1p(-rate)
        for count in range(low, high + 1)
    ]
    return np.arange(low, high + 1, dtype=np.float64), np.exp(logs)


def _tail(value: float) -> float:
    return math.erfc(value / math.sqrt(2)) / 2
