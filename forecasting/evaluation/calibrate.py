"""Measure the constants of the intervals: `python -m forecasting.evaluation.calibrate DATA_DIR --every 11`.

With --every, forecasts are also made every so many days between the given cutoffs. The last months of long
series may be quiet by chance, which makes their ranges seem too wide.
"""

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from forecasting.evaluation.cutoffs import (
    CUTOFFS,
    META,
    SERIES,
    DataProblem,
    add_rolling_cutoffs,
    load_cutoffs,
    load_licences,
)
from forecasting.evaluation.replay import CutoffForecast, replay
from forecasting.model import intervals
from forecasting.model.calibration import (
    FILE,
    GROUPS,
    TOTAL_DAYS,
    Calibration,
    find_group,
)
from forecasting.model.intervals import HORIZON_DAYS
from forecasting.model.level import Array
from forecasting.workers.forkserver import warm_up
from forecasting.workers.pool import count_cores
from tally.core.errors import TallyError
from tally.core.quantile_levels import LEVELS

DIGITS = 4


class Case(NamedTuple):
    """A forecast beside its history and actuals."""

    unique_id: str
    family: str
    y: Array
    predicted: Array
    actual: Array


def calibrate(cases: Sequence[Case]) -> Calibration:
    """Measure the constants on these cases. Every series has the same weight."""
    groups = _by_group(cases)
    if not all(groups):
        raise DataProblem(
            "Calibration needs short, medium and long histories, each with and without many days of 0."
        )
    daily = tuple(_calibrate_days(group) for group in groups)
    total = tuple(_calibrate_totals(cases, days) for days in TOTAL_DAYS)
    return Calibration(daily, total, _calibrate_confidence(cases))


def _by_group(cases: Sequence[Case]) -> list[list[Case]]:
    groups: list[list[Case]] = [[] for _ in range(GROUPS)]
    for case in cases:
        groups[find_group(len(case.y), intervals.is_sparse(case.y))].append(case)
    return groups


def _calibrate_days(cases: Sequence[Case]) -> tuple[float, ...]:
    """Offsets that turn each recent quantile into the same quantile of the actual days."""
    scaled_errors = [
        (case.actual - intervals.calculate_recent_quantiles(case.y, case.predicted))
        / max(intervals.calculate_scale(case.y), np.finfo(float).tiny)
        for case in cases
    ]
    weights = _series_weights(cases)
    levels = np.average([intervals.calculate_daily_levels(case.y) for case in cases], axis=0, weights=weights)
    of_days = np.repeat(weights, HORIZON_DAYS)
    rows = zip(levels, np.hstack(scaled_errors), strict=True)
    return _round([_weighted_quantiles(row, of_days, [level])[0] for level, row in rows])


def _calibrate_totals(cases: Sequence[Case], days: int) -> tuple[float, ...]:
    ratios = []
    for case in cases:
        floor = max(intervals.FLOOR_SHARE * intervals.calculate_scale(case.y), np.finfo(float).tiny)
        actual, predicted = (amounts[:days].mean() + floor for amounts in (case.actual, case.predicted))
        ratios.append(np.log(actual / predicted) / intervals.calculate_volatility(case.y, case.predicted))
    return _round(_weighted_quantiles(np.array(ratios), _series_weights(cases), LEVELS))


def _calibrate_confidence(cases: Sequence[Case]) -> tuple[float, float]:
    """Fit a line from volatility to accuracy: the smaller of predicted and actual total over the larger."""
    totals = np.array([(case.predicted.sum(), case.actual.sum()) for case in cases])
    largest = totals.max(axis=1)
    accuracy = np.divide(totals.min(axis=1), largest, out=np.ones(len(cases)), where=largest > 0)
    volatility = [intervals.calculate_volatility(case.y, case.predicted) for case in cases]
    slope, intercept = np.polyfit(volatility, accuracy, 1, w=np.sqrt(_series_weights(cases)))
    first, second = _round([intercept, slope])
    return first, second


def _series_weights(cases: Sequence[Case]) -> Array:
    count = Counter(case.unique_id for case in cases)
    return np.array([1 / count[case.unique_id] for case in cases])


def _weighted_quantiles(values: Array, weights: Array, levels: Sequence[float] | Array) -> Array:
    order = np.argsort(values, kind="stable")
    weights = weights[order] / weights.sum()
    return np.interp(levels, np.cumsum(weights) - weights / 2, values[order])


def _round(values: Sequence[float] | Array) -> tuple[float, ...]:
    return tuple(round(float(value), DIGITS) for value in values)


def load_cases(folder: Path, workers: int, every: int | None = None) -> list[Case]:
    """Forecast at every cutoff that is followed by a full horizon of known days."""
    cutoffs, _ = load_cutoffs(folder)
    if every:
        cutoffs = add_rolling_cutoffs(cutoffs, every)
    known = [cutoff for cutoff in cutoffs if len(cutoff.actual) == HORIZON_DAYS and len(cutoff.history)]
    return [case_of(forecast) for forecast in replay(known, workers)]


def case_of(forecast: CutoffForecast) -> Case:
    """The calibration case of a forecast."""
    cutoff = forecast.cutoff
    series = cutoff.series
    return Case(series.unique_id, series.family, cutoff.history, forecast.predicted, cutoff.actual)


def describe(folder: Path, cases: Sequence[Case], day: str | None, model_version: str) -> dict[str, Any]:
    """Provenance of the constants, for the file."""
    return {
        "made_by": "python -m forecasting.evaluation.calibrate",
        "made_on": day,
        "model_version": model_version,
        "data": folder.resolve().name,
        "series": len({case.unique_id for case in cases}),
        "origins": len(cases),
        "licences": load_licences(folder),
        "notice": "The constants are derived from series of these repositories, whose notices apply.",
        "sha256": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in (SERIES, CUTOFFS, META)
        },
    }


def main() -> int:
    """Write calibration.json, and print errors as one sentence."""
    parser = argparse.ArgumentParser(prog="python -m forecasting.evaluation.calibrate", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DATA_DIR")
    parser.add_argument("--every", type=int, metavar="DAYS", help="also forecast every so many days")
    parser.add_argument("--date", help="date to note in the file")
    parser.add_argument("--out", type=Path, default=FILE)
    arguments = parser.parse_args()
    try:
        warm_up()
        cases = load_cases(arguments.folder, count_cores(), arguments.every)
        from forecasting.model.prophet_model import VERSION

        provenance = describe(arguments.folder, cases, arguments.date, VERSION)
        if arguments.every:
            provenance["made_by"] += f" --every {arguments.every}"
        arguments.out.write_text(render(calibrate(cases), provenance))
    except TallyError as problem:
        print(problem, file=sys.stderr)
        return 1
    print(f"Measured on {provenance['origins']} forecasts of {provenance['series']} series.")
    return 0


def render(calibration: Calibration, provenance: dict[str, Any]) -> str:
    """Render calibration.json with one line per row of constants."""
    constants = {"daily": calibration.daily, "total": calibration.total}
    rows = [
        f'"{name}": [\n    ' + ",\n    ".join(json.dumps(row) for row in table) + "\n  ]"
        for name, table in constants.items()
    ]
    rows.append(f'"confidence": {json.dumps(calibration.confidence)}')
    rows.append('"provenance": ' + json.dumps(provenance, indent=2).replace("\n", "\n  "))
    return "{\n  " + ",\n  ".join(rows) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
