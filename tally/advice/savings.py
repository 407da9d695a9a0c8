"""Savings that really came: cost per request before a change, times requests after it, less what was paid.

The interval is of the means of daily log costs per request (Welch's t), wider where days resemble the day
before. Price, mix and volume split the whole change of costs beside it.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Literal

from tally.core.months import MONTH_DAYS
from tally.statistics.samples import Part, calculate_reach, summarize
from tally.statistics.student import normal_quantile, t_quantile

State = Literal["measuring", "verified", "partly", "none", "worse"]

BEFORE_DAYS, AFTER_DAYS = 56, 56  # at most
LEAST_DAYS = 7  # of each side
PLAN_DAYS = 28  # of a plan: weekdays and weekends count alike
PARTLY = 0.7  # of the estimate; below, a saving is there in part
JUMP = 0.3  # of requests a day: the change itself may be why there are more
MAX_LIKENESS = 0.6
ALPHA, POWER = 0.05, 0.8
DAYS_A_MONTH = float(MONTH_DAYS)
REACH = (normal_quantile(1 - ALPHA / 2) + normal_quantile(POWER)) ** 2


@dataclass(frozen=True, slots=True)
class ModelDay:
    """Cost and number of requests of one model on one day."""

    day: date
    model: str
    cost_usd: float
    requests: int


@dataclass(frozen=True, slots=True)
class Sums:
    """Costs and requests by model on some days, and the cost per request of each day that has any."""

    units: Sequence[tuple[date, float]]
    cost_usd: float
    requests: int
    by_model: Mapping[str, tuple[float, int]]

    @property
    def days(self) -> int:
        """The number of days with a cost per request."""
        return len(self.units)

    @property
    def unit_usd(self) -> float:
        """Cost per request of all days together."""
        return self.cost_usd / self.requests


@dataclass(frozen=True, slots=True)
class Verification:
    """A saving as it was measured, of a month, in US dollars; amounts are None while there is too little."""

    state: State
    days: int
    needed_days: int
    estimate_usd: float
    is_final: bool = False
    month_usd: float | None = None
    low_usd: float | None = None
    high_usd: float | None = None
    since_usd: float | None = None  # all that was saved up to now
    price_usd: float | None = None  # changes of a month's cost, which add up to all of its change
    mix_usd: float | None = None
    volume_usd: float | None = None
    before_volume_usd: float | None = None  # the saving at the volume before, where that jumped
    units: Sequence[tuple[str, float]] = ()

    def to_json(self) -> dict[str, Any]:
        """The object that is stored."""
        found = {name: getattr(self, name) for name in self.__slots__}
        return found | {"units": [[day, round(unit, 10)] for day, unit in self.units]}


def verify(before: Sequence[ModelDay], after: Sequence[ModelDay], estimate_usd: float) -> Verification:
    """Measure a saving on the days after a change, against the days before it."""
    one, two = _sum_up(before), _sum_up(after)
    units = [(day.isoformat(), unit) for day, unit in (*one.units, *two.units)]
    if one.days < LEAST_DAYS or two.days < LEAST_DAYS:
        needed = _find_needed(one, estimate_usd) if one.days >= LEAST_DAYS else AFTER_DAYS
        return Verification("measuring", two.days, needed, estimate_usd, units=units)
    difference, low, high = _compare(one, two)
    months = DAYS_A_MONTH / two.days
    needed = _find_needed(one, estimate_usd)
    saved, least, most = (two.cost_usd * math.expm1(-change) for change in (difference, high, low))
    price, mix, volume = _split(one, two)
    volume_ratio = (two.requests / two.days) / (one.requests / one.days)
    jumped = abs(volume_ratio - 1) > JUMP
    is_final = two.days >= AFTER_DAYS
    return Verification(
        state=_judge((saved * months, least, most), estimate_usd)
        if two.days >= needed or is_final
        else "measuring",
        days=two.days,
        needed_days=needed,
        estimate_usd=estimate_usd,
        is_final=is_final,
        month_usd=saved * months,
        low_usd=least * months,
        high_usd=most * months,
        since_usd=saved,
        price_usd=price,
        mix_usd=mix,
        volume_usd=volume,
        before_volume_usd=saved * months / volume_ratio if jumped else None,
        units=units,
    )


def verify_plan(worth_usd: Sequence[float], month_usd: float, estimate_usd: float) -> Verification:
    """Measure a plan that was bought: the value of what it covered each day, less its price of a month."""
    days = len(worth_usd)
    if days < PLAN_DAYS:
        return Verification("measuring", days, PLAN_DAYS, estimate_usd)
    sample = summarize(worth_usd)
    error = math.sqrt(sample.variance / days * _find_likeness(worth_usd))
    reach = t_quantile(1 - ALPHA / 2, days - 1) * error * DAYS_A_MONTH
    saved = sample.mean * DAYS_A_MONTH - month_usd
    return Verification(
        state=_judge((saved, saved - reach, saved + reach), estimate_usd),
        days=days,
        needed_days=PLAN_DAYS,
        estimate_usd=estimate_usd,
        is_final=days >= AFTER_DAYS,
        month_usd=saved,
        low_usd=saved - reach,
        high_usd=saved + reach,
        since_usd=sum(worth_usd) - month_usd * days / DAYS_A_MONTH,
    )


def needed_days(noise: float, share: float, days_before: int) -> int:
    """Days after a change until a saving of this share shows in four of five cases, 56 at most.

    `noise` is the standard deviation of daily log costs per request.
    """
    if share <= 0 or days_before < 1:
        return AFTER_DAYS
    change = math.log1p(-min(share, 0.95))
    inverse = change**2 / (REACH * max(noise, 1e-6) ** 2) - 1 / days_before
    days = math.ceil(1 / inverse) if inverse > 0 else AFTER_DAYS
    return min(max(days, LEAST_DAYS), AFTER_DAYS)


def _sum_up(days: Sequence[ModelDay]) -> Sums:
    totals: dict[date, list[float]] = defaultdict(lambda: [0.0, 0.0])
    models: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for one in days:
        for sums in (totals[one.day], models[one.model]):
            sums[0] += one.cost_usd
            sums[1] += one.requests
    counted = {day: sums for day, sums in totals.items() if sums[0] > 0 and sums[1] > 0}
    return Sums(
        sorted((day, cost / requests) for day, (cost, requests) in counted.items()),
        sum(cost for cost, _ in counted.values()),
        round(sum(requests for _, requests in counted.values())),
        {model: (cost, round(requests)) for model, (cost, requests) in models.items()},
    )


def _logs(sums: Sums) -> list[float]:
    return [math.log(unit) for _, unit in sums.units]


def _compare(one: Sums, two: Sums) -> tuple[float, float, float]:
    """The change of the log cost per request, and its bounds."""
    sides = []
    for sign, sums in ((-1, one), (1, two)):
        logs = _logs(sums)
        sample = summarize(logs)
        error = max(sample.variance, 1e-12) / sample.runs * _find_likeness(logs)
        sides.append(Part(sign, error, sample, False))
    difference = sides[1].sample.mean - sides[0].sample.mean
    below, above = calculate_reach(sides, ALPHA)
    return difference, difference - below, difference + above


def _find_likeness(values: Sequence[float]) -> float:
    """The factor of a mean's squared error where each day resembles the one before."""
    mean = sum(values) / len(values)
    squares = sum((value - mean) ** 2 for value in values)
    if squares <= 0:
        return 1.0
    lagged = sum((a - mean) * (b - mean) for a, b in pairwise(values))
    # A short series shows less of it than there is.
    likeness = min(max(lagged / squares + 1 / len(values), 0.0), MAX_LIKENESS)
    return (1 + likeness) / (1 - likeness)


def _find_needed(one: Sums, estimate_usd: float) -> int:
    monthly = one.cost_usd / one.days * DAYS_A_MONTH
    noise = math.sqrt(summarize(_logs(one)).variance)
    return needed_days(noise, estimate_usd / monthly if monthly > 0 else 0.0, one.days)


def _judge(saved: tuple[float, float, float], estimate_usd: float) -> State:
    month, low, high = saved
    if low > 0:
        return "verified" if month >= PARTLY * estimate_usd else "partly"
    return "worse" if high < 0 else "none"


def _split(one: Sums, two: Sums) -> tuple[float, float, float]:
    """Changes of a month's cost by price, mix and volume, which add up to all of its change."""
    before, after = one.requests / one.days * DAYS_A_MONTH, two.requests / two.days * DAYS_A_MONTH
    volume = (after - before) * one.unit_usd
    price = mix = 0.0
    for model in {*one.by_model, *two.by_model}:
        (cost_1, count_1), (cost_2, count_2) = (side.by_model.get(model, (0.0, 0)) for side in (one, two))
        share_1, share_2 = count_1 / one.requests, count_2 / two.requests
        unit_1 = cost_1 / count_1 if count_1 else None
        unit_2 = cost_2 / count_2 if count_2 else None
        if unit_1 is not None and unit_2 is not None:
            price += share_2 * (unit_2 - unit_1) * after
        usual = unit_1 if unit_1 is not None else unit_2
        mix += (share_2 - share_1) * (usual or 0.0) * after
    return price, mix, volume
