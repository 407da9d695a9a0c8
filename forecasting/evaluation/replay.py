"""Forecasts at cutoffs, each from only the days up to its cutoff."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np

from forecasting.evaluation.cutoffs import Cutoff
from forecasting.model import intervals
from forecasting.model.forecast import Forecast
from forecasting.model.intervals import HORIZON_DAYS, DailyBounds, Total
from forecasting.model.level import Array, calculate_recent_level
from forecasting.model.series import MIN_DAYS, Series
from forecasting.workers.pool import Failure, Task, stream_forecasts
from forecasting.workers.progress_line import ProgressLine

NO_USER = UUID(int=0)
LARGE_DAY, RESCALED_DAY = 1_000_000.0, 10_000.0
Method = Literal["prophet", "recent means", "nothing known"]


@dataclass(frozen=True, slots=True)
class CutoffForecast:
    """The forecast at a cutoff; `method` tells Prophet from the means used for short histories."""

    cutoff: Cutoff
    method: Method
    predicted: Array
    bounds: DailyBounds
    total: Total
    confidence: float


def replay(cutoffs: Sequence[Cutoff], workers: int) -> list[CutoffForecast]:
    """Forecast at every cutoff, in their order."""
    units = [_unit_of(cutoff.history) for cutoff in cutoffs]
    progress = ProgressLine()
    found: dict[int, CutoffForecast] = {}
    for outcome in stream_forecasts(_tasks(cutoffs, units), workers):
        index = int(outcome.series.unique_id)
        if not isinstance(outcome, Failure):
            found[index] = _rescale(cutoffs[index], outcome, units[index])
        progress.count()
    progress.end()
    return [found.get(index) or forecast_from_means(cutoff) for index, cutoff in enumerate(cutoffs)]


def _tasks(cutoffs: Sequence[Cutoff], units: Sequence[float]) -> Iterable[Task]:
    for index, cutoff in enumerate(cutoffs):
        y = cutoff.history
        if len(y) >= MIN_DAYS:
            yield Task(Series(NO_USER, str(index), cutoff.series.first_day, y / units[index], len(y)), 0)


def _unit_of(y: Array) -> float:
    """Divisor for the series: 1, unless amounts are so large that MAX_USD would cut off their ranges."""
    largest = float(y.max(initial=0))
    return largest / RESCALED_DAY if largest > LARGE_DAY else 1.0


def _rescale(cutoff: Cutoff, forecast: Forecast, unit: float) -> CutoffForecast:
    total = forecast.next_30_days
    return CutoffForecast(
        cutoff,
        "prophet",
        forecast.predicted * unit,
        DailyBounds(*(bound * unit for bound in forecast.bounds)),
        Total(total.predicted * unit, tuple(amount * unit for amount in total.quantiles)),
        forecast.confidence,
    )


def forecast_from_means(cutoff: Cutoff) -> CutoffForecast:
    """Forecast without Prophet, if it fails or the history is too short. No history: $0, confidence 0."""
    y = cutoff.history
    if not len(y):
        days = np.zeros(HORIZON_DAYS)
        nothing = intervals.calculate_total(days, days, 0)
        return CutoffForecast(
            cutoff, "nothing known", days, DailyBounds(days, days, days, days), nothing, 0.0
        )
    predicted = np.full(HORIZON_DAYS, calculate_recent_level(y))
    return CutoffForecast(
        cutoff,
        "recent means",
        predicted,
        intervals.calculate_daily_bounds(y, predicted),
        intervals.calculate_total(y, predicted, HORIZON_DAYS),
        intervals.calculate_confidence(y, predicted),
    )
