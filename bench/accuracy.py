"""Accuracy of forecasts on the daily series in FORECAST_DATA, cross-validated.

The shipped constants were measured on all of these series. Here the ranges and the confidence of each series
use constants measured on other series, at the cutoffs and between them, as the shipped ones are.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.measurement import Measurement, Options
from forecasting.evaluation.calibrate import calibrate, case_of
from forecasting.evaluation.command import score
from forecasting.evaluation.cutoffs import add_rolling_cutoffs, load_cutoffs
from forecasting.evaluation.replay import CutoffForecast, replay
from forecasting.evaluation.score import Bar, calculate_bars, render_score
from forecasting.model import intervals
from forecasting.model.calibration import Calibration
from forecasting.model.intervals import HORIZON_DAYS
from forecasting.workers.forkserver import warm_up
from forecasting.workers.pool import count_cores

SHORTER_DAYS = (7, 15)  # the rest of a month is often shorter than 30 days
FOLDS = 10
ROLLING_DAYS = 25

Folds = Sequence[tuple[CutoffForecast, Calibration]]


def measure(_options: Options) -> list[Measurement]:
    """Measure all bars; without data, print a message and measure none."""
    folder = os.environ.get("FORECAST_DATA")
    if not folder:
        print("accuracy: skipped; set FORECAST_DATA to a folder with series.csv, cutoffs.csv and meta.csv.")
        return []
    warm_up()
    cutoffs, _ = load_cutoffs(Path(folder))
    known = [each for each in cutoffs if len(each.history) > 0 and len(each.actual) == HORIZON_DAYS]
    replayed = replay(add_rolling_cutoffs(known, ROLLING_DAYS), count_cores())
    folds = _find_calibrations(replayed[: len(known)], replayed)
    forecasts = [_recalibrate(each, calibration) for each, calibration in folds]
    rows = score(forecasts)
    print(render_score(rows, forecasts))
    return [_measurement(bar) for bar in calculate_bars(rows, forecasts)] + [
        _measure_shorter(folds, days) for days in SHORTER_DAYS
    ]


def _find_calibrations(forecasts: Sequence[CutoffForecast], replayed: Sequence[CutoffForecast]) -> Folds:
    """Each forecast with constants measured without its own series."""
    # Every tenth series by name makes a fold, so that each family is spread over the folds.
    names = sorted({each.cutoff.series.unique_id for each in replayed})
    fold_of = {name: index % FOLDS for index, name in enumerate(names)}
    calibrations = [
        calibrate([case_of(each) for each in replayed if fold_of[each.cutoff.series.unique_id] != fold])
        for fold in range(FOLDS)
    ]
    return [(each, calibrations[fold_of[each.cutoff.series.unique_id]]) for each in forecasts]


def _recalibrate(forecast: CutoffForecast, calibration: Calibration) -> CutoffForecast:
    y, predicted = forecast.cutoff.history, forecast.predicted
    return replace(
        forecast,
        bounds=intervals.calculate_daily_bounds(y, predicted, calibration),
        total=intervals.calculate_total(y, predicted, HORIZON_DAYS, calibration),
        confidence=intervals.calculate_confidence(y, predicted, calibration),
    )


def _measure_shorter(folds: Folds, days: int) -> Measurement:
    inside = 0
    for each, calibration in folds:
        total = intervals.calculate_total(each.cutoff.history, each.predicted, days, calibration)
        inside += total.lower_80 <= each.cutoff.actual[:days].sum() <= total.upper_80
    return Measurement(f"forecast: {days}-day totals in their 80% range", 100 * inside / len(folds), "%")


def _measurement(bar: Bar) -> Measurement:
    """A value against its bar; for a range, the distance from its middle in percentage points."""
    name = f"forecast: {bar.name}"
    if bar.minimum is None or bar.maximum is None:
        limit = bar.maximum if bar.minimum is None else bar.minimum
        return Measurement(name, bar.value, "", None, bar.value, limit, at_least=bar.maximum is None)
    target, tolerance = (bar.minimum + bar.maximum) / 2, (bar.maximum - bar.minimum) / 2
    return Measurement(f"{name}, points off", bar.value, "%", target, abs(bar.value - target), tolerance)
