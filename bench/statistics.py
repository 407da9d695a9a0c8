"""Coverage of the intervals that experiments print, and error rates of verdicts on quality.

Costs are made by generators whose truth is known: lognormal, gamma, and one run in ten at ten times the cost;
of one side alone, of two sides alike, and of sides that differ in shape and in size.
Fewer than 30 runs a side must print no interval at all. Pass rates with fewer than five failures expected
on a side are printed, but may be covered in more than 97%: counts this small come in steps.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.measurement import Measurement, Options
from tally.statistics import (
    Interval,
    Ratio,
    TooFew,
    compare_costs,
    compare_means,
    compare_paired_costs,
    compare_paired_means,
    compare_rates,
    needed_runs,
)
from tally.statistics.costs import cost_interval
from tally.statistics.quality import mean_interval
from tally.statistics.samples import summarize

Numbers = npt.NDArray[Any]
Comparison = Callable[[np.random.Generator, int], tuple[Interval | Ratio | TooFew, float]]

TRIALS = 4000
POWER_TRIALS = 40_000
SIZES = (30, 50, 100, 200, 400)
UNEQUAL = ((30, 30), (30, 200), (200, 30), (50, 400), (400, 50), (100, 200), (200, 100))
TRUE_RATIO = 0.62
COVERAGE = 0.95, 0.02  # and how far from it a cell may be
MAX_WRONG, MIN_RIGHT = 0.03, 0.8


def measure(options: Options) -> Iterator[Measurement]:
    """Measure coverage by shape, then power; the largest distance from 95% is what the bar limits."""
    for name, compare in COMPARISONS.items():
        cells = [_cover(compare, runs, options.scaled(TRIALS)) for runs in SIZES]
        print(f"{name:42} " + "  ".join(f"{n}: {100 * c:.1f}%" for n, c in zip(SIZES, cells, strict=True)))
        steps = MIN_FAILURES.get(name, 0)
        counted = [
            each for runs, each in zip(SIZES, cells, strict=True) if each < COVERAGE[0] or runs >= steps
        ]
        furthest = max(counted, key=lambda coverage: abs(coverage - COVERAGE[0]))
        distance = abs(furthest - COVERAGE[0]) / COVERAGE[1]
        yield Measurement(f"coverage: {name}", 100 * furthest, "%", ratio=distance, bar=1)
    yield from _measure_unequal(options.scaled(TRIALS))
    yield _measure_refusals()
    yield from _measure_verdicts(options.scaled(POWER_TRIALS))


def _cover(compare: Comparison, runs: int, trials: int) -> float:
    random = np.random.default_rng(runs)
    covered = 0
    for _ in range(trials):
        interval, truth = compare(random, runs)
        covered += not isinstance(interval, TooFew) and interval.low <= truth <= interval.high
    return covered / trials


def _measure_unequal(trials: int) -> Iterator[Measurement]:
    """Coverage of two sides of any two shapes and several sizes: the cells that are furthest off."""
    random = np.random.default_rng(41)
    for base_name, base in SHAPES.items():
        cells: dict[str, float] = {}
        for other_name, other in SHAPES.items():
            for sizes in UNEQUAL:
                covered = 0
                for _ in range(trials):
                    ratio = compare_costs(base(random, sizes[0]), TRUE_RATIO * other(random, sizes[1]))
                    covered += isinstance(ratio, Ratio) and ratio.low <= TRUE_RATIO <= ratio.high
                cells[f"{other_name} {sizes}"] = covered / trials
        furthest = max(cells, key=lambda name: abs(cells[name] - COVERAGE[0]))
        ends = [100 * end for end in (min(cells.values()), max(cells.values()))]
        print(f"{base_name:20} beside others: {ends[0]:.1f} to {ends[1]:.1f}%, furthest {furthest}")
        distance = abs(cells[furthest] - COVERAGE[0]) / COVERAGE[1]
        yield Measurement(
            f"coverage: costs, {base_name} beside others", 100 * cells[furthest], "%", ratio=distance, bar=1
        )


def _lognormal(spread: float) -> Callable[[np.random.Generator, int], Numbers]:
    return lambda random, count: random.lognormal(-spread * spread / 2, spread, count)


def _gamma(random: np.random.Generator, count: int) -> Numbers:
    return random.gamma(0.7, 1 / 0.7, count)


def _mixture(random: np.random.Generator, count: int) -> Numbers:
    return np.where(random.random(count) < 0.9, 1.0, 10.0) * random.gamma(4, 0.25, count) / 1.9


SHAPES: dict[str, Callable[[np.random.Generator, int], Numbers]] = {
    "lognormal s=0.5": _lognormal(0.5),
    "lognormal s=1": _lognormal(1.0),
    "lognormal s=1.5": _lognormal(1.5),
    "gamma 0.7": _gamma,
    "mixture 90/10": _mixture,
}


def _costs(make: Callable[[np.random.Generator, int], Numbers]) -> Comparison:
    return lambda random, runs: (
        compare_costs(make(random, runs), TRUE_RATIO * make(random, runs)),
        TRUE_RATIO,
    )


def _paired_costs(make: Callable[[np.random.Generator, int], Numbers]) -> Comparison:
    def compare(random: np.random.Generator, runs: int) -> tuple[Ratio | TooFew, float]:
        items = make(random, runs)
        other = TRUE_RATIO * items * random.lognormal(-0.045, 0.3, runs)
        return compare_paired_costs(items * random.lognormal(-0.045, 0.3, runs), other), TRUE_RATIO

    return compare


def _one_side(make: Callable[[np.random.Generator, int], Numbers]) -> Comparison:
    return lambda random, runs: (cost_interval(summarize(make(random, runs))), 1.0)


def _rates(base: float, other: float) -> Comparison:
    def compare(random: np.random.Generator, runs: int) -> tuple[Interval | TooFew, float]:
        passed = random.binomial(runs, base), random.binomial(runs, other)
        return compare_rates(int(passed[0]), runs, int(passed[1]), runs), other - base

    return compare


def _name_rates(base: float, other: float) -> str:
    return f"pass rates {100 * base:.0f}% and {100 * other:.0f}%"


def _ratings(random: np.random.Generator, runs: int) -> tuple[Interval | TooFew, float]:
    base, other = random.binomial(4, 0.85, runs) + 1.0, random.binomial(4, 0.75, runs) + 1.0
    return compare_means(base, other), -0.4


def _few_ratings(random: np.random.Generator, runs: int) -> tuple[Interval | TooFew, float]:
    base, other = random.binomial(4, 0.85, runs) + 1.0, random.binomial(4, 0.75, 400) + 1.0
    return compare_means(base, other), -0.4


def _mean_rating(random: np.random.Generator, runs: int) -> tuple[Interval | TooFew, float]:
    return mean_interval(summarize(random.binomial(4, 0.85, runs) + 1.0), bounds=(1, 5)), 4.4


def _paired_ratings(random: np.random.Generator, runs: int) -> tuple[Interval | TooFew, float]:
    base = random.binomial(4, 0.75, runs) + 1.0
    step = random.choice([-1.0, 0.0, 1.0], runs, p=[0.3, 0.5, 0.2])
    return compare_paired_means(base, base + step), -0.1


RATES = ((0.9, 0.9), (0.9, 0.85), (0.7, 0.6), (0.5, 0.5))
COMPARISONS: dict[str, Comparison] = (
    {f"costs, {name}": _costs(make) for name, make in SHAPES.items()}
    | {f"cost of one side, {name}": _one_side(make) for name, make in SHAPES.items()}
    | {f"paired costs, {name}": _paired_costs(make) for name, make in SHAPES.items()}
    | {_name_rates(base, other): _rates(base, other) for base, other in RATES}
    | {"ratings": _ratings, "paired ratings": _paired_ratings}
    | {"ratings beside 400": _few_ratings, "mean rating": _mean_rating}
)
# Runs a side from which five failures are expected.
MIN_FAILURES = {_name_rates(*pair): round(5 / (1 - max(pair))) for pair in RATES}


def _measure_refusals() -> Measurement:
    """Intervals printed with 15 to 29 runs a side: none may be."""
    random = np.random.default_rng(15)
    printed = sum(
        not isinstance(compare(random, runs)[0], TooFew)
        for compare in COMPARISONS.values()
        for runs in range(15, 30)
    )
    return Measurement("intervals printed below 30 runs a side", printed, "", ratio=printed, bar=0)


def _measure_verdicts(trials: int) -> Iterator[Measurement]:
    """Share of equal and of 5 points worse variants that are shown not worse, at the needed runs."""
    random = np.random.default_rng(5)
    needed = needed_runs(0.9, 0.05)
    base, equal, worse = (random.binomial(needed, rate, trials) for rate in (0.9, 0.9, 0.85))
    right = _share_passed(base, equal, needed)
    yield Measurement(
        f"equal variant passes, {needed} runs a side", 100 * right, "%", None, right, MIN_RIGHT, True
    )
    wrong = _share_passed(base, worse, needed)
    yield Measurement("variant 5 points worse passes", 100 * wrong, "%", ratio=wrong, bar=MAX_WRONG)


def _share_passed(base: npt.NDArray[np.int64], other: npt.NDArray[np.int64], runs: int) -> float:
    pairs = zip(base.tolist(), other.tolist(), strict=True)
    found = (compare_rates(one, runs, two, runs) for one, two in pairs)
    return sum(isinstance(one, Interval) and one.low > -0.05 for one in found) / len(base)
