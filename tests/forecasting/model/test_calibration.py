"""The constants behind ranges: the shipped ones are whole, and the script measures the same ones again."""

import json
from pathlib import Path

import numpy as np
import pytest

from forecasting.evaluation.calibrate import Case, calibrate, describe, load_cases, render
from forecasting.evaluation.cutoffs import DataProblem
from forecasting.model import prophet_model
from forecasting.model.calibration import (
    DAILY_LEVELS,
    FILE,
    HISTORY_DAYS,
    TOTAL_DAYS,
    CalibrationUnusable,
    load_calibration,
    parse_calibration,
)
from forecasting.model.intervals import calculate_daily_bounds, calculate_total
from tally.core.quantile_levels import LEVELS

SAMPLE = Path(__file__).parents[1] / "evaluation" / "data"


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """The forecasts that the sample makes."""
    return load_cases(SAMPLE, 0)


def test_the_shipped_constants_are_of_this_model_and_say_where_they_come_from() -> None:
    provenance = json.loads(FILE.read_text())["provenance"]
    assert provenance["model_version"] == prophet_model.VERSION
    assert set(provenance["licences"].values()) == {"MIT", "Apache-2.0"}
    assert [len(digest) for digest in provenance["sha256"].values()] == [64] * 3
    assert provenance["origins"] > provenance["series"] > 50


def test_the_shipped_constants_are_whole_and_rise() -> None:
    calibration = load_calibration()
    assert [len(row) for row in calibration.daily] == [len(DAILY_LEVELS)] * (len(HISTORY_DAYS) + 1)
    assert [len(row) for row in calibration.total] == [len(LEVELS)] * len(TOTAL_DAYS)
    assert all((np.diff(row) >= 0).all() for row in (*calibration.daily, *calibration.total))
    assert np.isfinite([value for row in (*calibration.daily, *calibration.total) for value in row]).all()
    assert calibration.confidence[1] < 0  # the calmer the surer


def test_constants_that_fall_or_are_cut_off_are_refused() -> None:
    content = json.loads(FILE.read_text())
    fallen = [*content["total"][:-1], content["total"][-1][::-1]]
    for spoilt in ({"daily": content["daily"][:-1]}, {"total": content["total"][:-1]}, {"total": fallen}):
        with pytest.raises(CalibrationUnusable):
            parse_calibration(content | spoilt)


def test_total_ratios_of_any_length_rise_and_those_measured_are_met() -> None:
    calibration = load_calibration()
    for days in range(1, 32):
        assert (np.diff(calibration.total_ratios(days)) >= 0).all()
    for days, measured in zip(TOTAL_DAYS, calibration.total, strict=True):
        assert calibration.total_ratios(days) == pytest.approx(measured)
    assert calibration.total_ratios(31).tolist() == calibration.total_ratios(30).tolist()


def test_the_script_measures_the_same_on_the_same_series(cases: list[Case]) -> None:
    kept = parse_calibration(json.loads((SAMPLE / "calibration.json").read_text()))
    found = calibrate(cases)
    for ours, theirs in ((found.daily, kept.daily), (found.total, kept.total)):
        assert np.allclose(ours, theirs, atol=0.1)  # the last digits of a fit are the machine's
    assert calibrate(cases[::-1]) == found


def test_what_the_script_writes_can_be_read_back(cases: list[Case]) -> None:
    content = json.loads(render(calibrate(cases), describe(SAMPLE, cases, "2026-11-01", "some-model")))
    assert parse_calibration(content) == calibrate(cases)
    assert content["provenance"]["made_on"] == "2026-11-01"
    assert content["provenance"]["licences"]["numenta/NAB"] == "MIT"


def test_ranges_hold_as_often_as_they_say_on_what_they_were_measured_on() -> None:
    random = np.random.default_rng(5)
    cases = [
        Case(f"s{n}", "f", random.gamma(1, 3, days), np.full(30, 3.0), random.gamma(1, 3, 30))
        for n in range(40)
        for days in (20, 100, 200)
    ]
    calibration = calibrate(cases)
    above, inside = [], []
    for case in cases:
        above.append(case.actual > calculate_daily_bounds(case.y, case.predicted, calibration).upper_80)
        total = calculate_total(case.y, case.predicted, 30, calibration)
        inside.append(total.lower_80 <= case.actual.sum() <= total.upper_80)
    assert np.mean(above) == pytest.approx(0.1, abs=0.01)
    assert np.mean(inside) == pytest.approx(0.83, abs=0.03)  # a little more, for series not seen


def test_calibrating_without_long_histories_is_a_sentence(cases: list[Case]) -> None:
    short = [case._replace(y=case.y[:20]) for case in cases]
    with pytest.raises(DataProblem, match="long histories"):
        calibrate(short)
