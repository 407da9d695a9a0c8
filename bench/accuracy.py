"""How good forecasts are on the daily series in FORECAST_DATA, by constants measured on other series.

The shipped constants saw all of these. Here each series has ranges and confidence by ones that never saw it.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.measurement import Measurement
from forecasting.evaluation.calibrate import calibrate, case_of
from forecasting.evaluation.command import score
from forecasting.evaluation.cutoffs import load_origins
from forecasting.evaluation.replay import Made, replay
from forecasting.evaluation.score import Bar, calculate_bars, render_score
from forecasting.model import intervals
from forecasting.model.calibration import Calibration
from forecasting.model.intervals import HORIZON_DAYS
from forecasting.workers.forkserver import warm_up
from forecasting.workers.pool import count_cores

SHORTER_DAYS = (7, 15)  # months have shorter rests, too
FOLDS = 10


def measure() -> list[Measurement]:
    """All bars; nothing, and a sentence, without data."""
    folder = os.environ.get("FORECAST_DATA")
    if not folder:
        print("accuracy: FORECAST_DATA names no folder with series.csv, cutoffs.csv and meta.csv; left out.")
        return []
    warm_up()
    origins, _ = load_origins(Path(folder))
    made = hold_out([one for one in replay(origins, count_cores()) if _is_known(one)])
    rows = score(made)
    print(render_score(rows, made))
    return [_measurement(bar) for bar in calculate_bars(rows, made)] + [
        _measure_shorter(made, days) for days in SHORTER_DAYS
    ]


def hold_out(made: Sequence[Made]) -> list[Made]:
    """The same forecasts, with ranges and confidence by constants that saw nothing of their series."""
    return [_again(one, calibration) for one, calibration in _without_their_own(made)]


def _without_their_own(made: Sequence[Made]) -> list[tuple[Made, Calibration]]:
    # A tenth of the series at a time, every tenth by name, so that each family is spread over the tenths.
    names = sorted({one.origin.series.unique_id for one in made})
    fold_of = {name: place % FOLDS for place, name in enumerate(names)}
    folds = [fold_of[one.origin.series.unique_id] for one in made]
    calibrations = [
        calibrate([case_of(one) for one, its in zip(made, folds, strict=True) if its != fold])
        for fold in range(FOLDS)
    ]
    return [(one, calibrations[fold]) for one, fold in zip(made, folds, strict=True)]


def _is_known(made: Made) -> bool:
    return len(made.origin.history) > 0 and len(made.origin.actual) == HORIZON_DAYS


def _again(made: Made, calibration: Calibration) -> Made:
    y, predicted = made.origin.history, made.predicted
    return replace(
        made,
        bounds=intervals.calculate_daily_bounds(y, predicted, calibration),
        total=intervals.calculate_total(y, predicted, HORIZON_DAYS, calibration),
        confidence=intervals.calculate_confidence(y, predicted, calibration),
    )


def _measure_shorter(made: Sequence[Made], days: int) -> Measurement:
    inside = 0
    for one, calibration in _without_their_own(made):
        total = intervals.calculate_total(one.origin.history, one.predicted, days, calibration)
        inside += total.lower_80 <= one.origin.actual[:days].sum() <= total.upper_80
    return Measurement(f"forecast: {days}-day totals in their 80% range", 100 * inside / len(made), "%")


def _measurement(bar: Bar) -> Measurement:
    """A ratio against its bar; for a share of days or totals, how many points it is off what it should be."""
    name = f"forecast: {bar.name}"
    if bar.least is None or bar.most is None:
        limit = bar.most if bar.least is None else bar.least
        return Measurement(name, bar.value, "", None, bar.value, limit, at_least=bar.most is None)
    aim = (bar.least + bar.most) / 2
    return Measurement(
        f"{name}, points off", bar.value, "%", aim, abs(bar.value - aim), (bar.most - bar.least) / 2
    )
