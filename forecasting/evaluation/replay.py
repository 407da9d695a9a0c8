"""Forecasts from given origins, each from nothing but the days up to its cutoff."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal
from uuid import UUID

import numpy as np

from forecasting.evaluation.cutoffs import Origin
from forecasting.model import intervals
from forecasting.model.forecast import Forecast
from forecasting.model.intervals import HORIZON_DAYS, Daily, Total
from forecasting.model.level import Array, calculate_recent_level
from forecasting.model.series import MIN_DAYS, Series
from forecasting.workers.pool import Failure, Task, stream_forecasts
from forecasting.workers.progress import Progress

NOBODY = UUID(int=0)
USUAL_DAY, LARGE_DAY = 10_000.0, 1_000_000.0
Method = Literal["prophet", "recent means", "nothing known"]


@dataclass(frozen=True, slots=True)
class Made:
    """What was forecast from an origin, and by what: histories too short for Prophet have their means."""

    origin: Origin
    method: Method
    predicted: Array
    bounds: Daily
    total: Total
    confidence: float


def replay(origins: Sequence[Origin], workers: int) -> list[Made]:
    """One forecast for every origin, in their order."""
    units = [_unit_of(origin.history) for origin in origins]
    progress = Progress()
    made: dict[int, Made] = {}
    for outcome in stream_forecasts(_tasks(origins, units), workers):
        place = int(outcome.series.unique_id)
        if not isinstance(outcome, Failure):
            made[place] = _made(origins[place], outcome, units[place])
        progress.count()
    progress.end()
    return [made.get(place) or make_from_means(origin) for place, origin in enumerate(origins)]


def _tasks(origins: Sequence[Origin], units: Sequence[float]) -> Iterable[Task]:
    for place, origin in enumerate(origins):
        y = origin.history
        if len(y) >= MIN_DAYS:
            yield Task(Series(NOBODY, str(place), origin.series.first_day, y / units[place], len(y)), 0)


def _unit_of(y: Array) -> float:
    """1, except for larger amounts than anybody's dollars: their ranges would end at what can be stored."""
    largest = float(y.max(initial=0))
    return largest / USUAL_DAY if largest > LARGE_DAY else 1.0


def _made(origin: Origin, forecast: Forecast, unit: float) -> Made:
    total = forecast.next_30_days
    return Made(
        origin,
        "prophet",
        forecast.predicted * unit,
        Daily(*(bound * unit for bound in forecast.bounds)),
        Total(total.predicted * unit, tuple(amount * unit for amount in total.quantiles)),
        forecast.confidence,
    )


def make_from_means(origin: Origin) -> Made:
    """The forecast where Prophet has too little to go on, or failed. No history: $0, without confidence."""
    y = origin.history
    if not len(y):
        days = np.zeros(HORIZON_DAYS)
        nothing = intervals.calculate_total(days, days, 0)
        return Made(origin, "nothing known", days, Daily(days, days, days, days), nothing, 0.0)
    predicted = np.full(HORIZON_DAYS, calculate_recent_level(y))
    return Made(
        origin,
        "recent means",
        predicted,
        intervals.calculate_daily_bounds(y, predicted),
        intervals.calculate_total(y, predicted, HORIZON_DAYS),
        intervals.calculate_confidence(y, predicted),
    )


def first_day_of(origin: Origin) -> date:
    """The first day that is forecast."""
    return date.fromordinal(origin.cutoff.toordinal() + 1)
