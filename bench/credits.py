"""Coverage of the 80% range of the day on which prepaid credits end, on spend whose future is known.

Days come from generators: even, lognormal and gamma noise, quiet weekends, use on one day in four, a level
that wanders for weeks or drifts for ever, and growth of 1% a day, which has no bar: far ahead it is missed.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.measurement import Measurement, Options
from tally.ledger.credits import Outlook, Purchase, calculate_balance, forecast_end

Numbers = npt.NDArray[Any]
TODAY = date(2026, 6, 1)
TRIALS = 400
HISTORIES, ENDS = (14, 28, 84), (5, 14, 30)  # days that are known, days that the credits last
LEAST_COVERED = 0.7  # of the mean over histories and ends; 0.8 is meant, and ranges are whole days


def measure(options: Options) -> Iterator[Measurement]:
    """Print coverage by history and end; the mean of a generator is what the bar limits."""
    for name, make in SHAPES.items():
        random = np.random.default_rng(11)
        cells = {
            (known, ahead): cover(make, random, (known, ahead), options.scaled(TRIALS))
            for known in HISTORIES
            for ahead in ENDS
        }
        told = "  ".join(f"{known}/{ahead}: {100 * share:.0f}%" for (known, ahead), share in cells.items())
        print(f"{name:20} {told}")
        mean = float(np.mean(list(cells.values())))
        is_bound = name not in UNBOUND
        yield Measurement(
            f"coverage of the 80% range of the end of credits: {name}",
            100 * mean,
            "%",
            ratio=mean / LEAST_COVERED if is_bound else None,
            bar=1 if is_bound else None,
            at_least=True,
        )


def cover(
    make: Callable[[np.random.Generator, int], Numbers],
    random: np.random.Generator,
    days: tuple[int, int],
    trials: int,
) -> float:
    """The share of trials whose true last day is in the range; days known before, and days to the end."""
    known, ahead = days
    covered = counted = 0
    for _ in range(trials):
        series = 10 * make(random, known + 10 * ahead)
        left = float(series[:known][-28:].mean()) * ahead
        if left <= 0:
            continue
        outlook = _forecast(series[:known], left)
        if outlook.end is None:
            continue
        counted += 1
        reached = np.flatnonzero(np.cumsum(series[known:]) >= left - 0.005)
        last = TODAY + timedelta(days=int(reached[0])) if len(reached) else None
        is_late_enough = outlook.late is None or (last is not None and last <= outlook.late)
        is_early_enough = outlook.early is not None and (last is None or outlook.early <= last)
        covered += is_late_enough and is_early_enough
    return covered / counted if counted else 1.0


def _forecast(used: Numbers, left: float) -> Outlook:
    first = TODAY - timedelta(days=len(used))
    usage = {first + timedelta(days=nth): _to_decimal(amount) for nth, amount in enumerate(used)}
    bought = Purchase(first, sum(usage.values(), _to_decimal(left)))
    return forecast_end(calculate_balance([bought], usage, TODAY), usage, TODAY)


def _to_decimal(amount: float) -> Decimal:
    return round(Decimal(float(amount)), 6)


def _noise(random: np.random.Generator, count: int, spread: float) -> Numbers:
    return random.lognormal(-spread * spread / 2, spread, count)


def _make_weekly(random: np.random.Generator, count: int) -> Numbers:
    return np.where(np.arange(count) % 7 >= 5, 0.4, 1.24) * _noise(random, count, 0.4)


def _make_rare(random: np.random.Generator, count: int) -> Numbers:
    return 4 * (random.random(count) < 0.25) * _noise(random, count, 0.5)


def _make_wandering(random: np.random.Generator, count: int) -> Numbers:
    level = np.zeros(count)
    for day, step in enumerate(random.normal(0, 0.13, count)[1:], start=1):
        level[day] = 0.9 * level[day - 1] + step
    course: Numbers = np.exp(level - 0.045)
    return course * _noise(random, count, 0.3)


def _make_drifting(random: np.random.Generator, count: int) -> Numbers:
    course: Numbers = np.exp(np.cumsum(random.normal(0, 0.03, count)))
    return course * _noise(random, count, 0.3)


def _make_growing(random: np.random.Generator, count: int) -> Numbers:
    course: Numbers = np.exp(0.01 * np.arange(count))
    return course * _noise(random, count, 0.3)


SHAPES: Mapping[str, Callable[[np.random.Generator, int], Numbers]] = {
    "even": lambda random, count: random.gamma(25, 0.04, count),
    "lognormal s=0.6": lambda random, count: _noise(random, count, 0.6),
    "gamma 0.7": lambda random, count: random.gamma(0.7, 1 / 0.7, count),
    "quiet weekends": _make_weekly,
    "one day in four": _make_rare,
    "wandering level": _make_wandering,
    "drifting level": _make_drifting,
    "growth of 1% a day": _make_growing,
}
UNBOUND = ("growth of 1% a day",)
