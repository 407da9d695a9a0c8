"""Accuracy of forecasts on the daily series in FORECAST_DATA, cross-validated.

The shipped constants were measured on all of these series. Here the ranges and the confidence of each series
use constants measured on other series.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.measurement import Measurement, Options
from forecasting.evaluation.calibrate import calibrate, case_of
from forecasting.evaluation.command import score
from forecasting.evaluation.cutoffs import load_cutoffs
from forecasting.evaluation.replay import CutoffForecast, replay
from forecasting.evaluation.score import Bar, calculate_bars, render_score
from forecasting.model import intervals
from forecasting.model.calibration import Calibration
from forecasting.model.intervals import HORIZON_DAYS
from forecasting.workers.forkserver import warm_up
from forecasting.workers.pool import count_cores

SHORTER_DAYS = (7, 15)  # the rest of a month is often shorter than 30 days
FOLDS = 10


def measure(_options: Options) -> list[Measurement]:
    """Measure all bars; without data, print a message and measure none."""
    folder = os.environ.get("FORECAST_DATA")
    if not folder:
        print("accuracy: skipped; set FORECAST_DATA to a folder with series.csv, cutoffs.csv and meta.csv.")
        return []
    warm_up()
    cutoffs, _ = load_cutoffs(Path(folder))
    forecasts = cross_validate([each for each in replay(cutoffs, count_cores()) if _is_known(each)])
    rows = score(forecasts)
    print(render_score(rows, forecasts))
    return [_measurement(bar) for bar in calculate_bars(rows, forecasts)] + [
        _measure_shorter(forecasts, days) for days in SHORTER_DAYS
    ]


def cross_validate(forecasts: Sequence[CutoffForecast]) -> list[CutoffForecast]:
    """The same forecasts; their ranges and confidence use constants measured without their own series."""
    return [_recalibrate(each, calibration) for each, calibration in _with_calibrations(forecasts)]


def _with_calibrations(forecasts: Sequence[CutoffForecast]) -> list[tuple[CutoffForecast, Calibration]]:
    # Every tenth series by name makes a fold, so that each family is spread over the folds.
    names = sorted({each.cutoff.series.unique_id for each in forecasts})
    fold_of = {name: index % FOLDS for index, name in enumerate(names)}
    folds = [fold_of[each.cutoff.series.unique_id] for each in forecasts]
    calibrations = [
        calibrate([case_of(each) for each, its in zip(forecasts, folds, strict=True) if its != fold])
        for fold in range(FOLDS)
    ]
    return [(each, calibrations[fold]) for each, fold in zip(forecasts, folds, strict=True)]


def _is_known(forecast: CutoffForecast) -> bool:
    return len(forecast.cutoff.history) > 0 and len(forecast.cutoff.actual) == HORIZON_DAYS


def _recalibrate(forecast: CutoffForecast, calibration: Calibration) -> CutoffForecast:
    y, predicted = forecast.cutoff.history, forecast.predicted
    return replace(
        forecast,
        bounds=intervals.calculate_daily_bounds(y, predicted, calibration),
        total=intervals.calculate_total(y, predicted, HORIZON_DAYS, calibration),
        confidence=intervals.calculate_confidence(y, predicted, calibration),
    )


def _measure_shorter(forecasts: Sequence[CutoffForecast], days: int) -> Measurement:
    inside = 0
    for each, calibration in _with_calibrations(forecasts):
        total = intervals.calculate_total(each.cutoff.history, each.predicted, days, calibration)
        inside += total.lower_80 <= each.cutoff.actual[:days].sum() <= total.upper_80
    return Measurement(f"forecast: {days}-day totals in their 80% range", 100 * inside / len(forecasts), "%")


def _measurement(bar: Bar) -> Measurement:
    """A value against its bar; for a range, the distance from its middle in percentage points."""
    name = f"forecast: {bar.name}"
    if bar.minimum is None or bar.maximum is None:
        limit = bar.maximum if bar.minimum is None else bar.minimum
        return Measurement(name, bar.value, "", None, bar.value, limit, at_least=bar.maximum is None)
    target, tolerance = (bar.minimum + bar.maximum) / 2, (bar.maximum - bar.minimum) / 2
    return Measurement(f"{name}, points off", bar.value, "%", target, abs(bar.value - target), tolerance)
