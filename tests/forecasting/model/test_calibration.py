"""Constants of ranges: the shipped ones are complete, and the script reproduces stored ones."""

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
    GROUPS,
    TOTAL_DAYS,
    CalibrationUnusable,
    load_calibration,
    parse_calibration,
)
from forecasting.model.intervals import calculate_daily_bounds, calculate_total
from forecasting.model.level import Array
from tally.core.quantile_levels import LEVELS

SAMPLE = Path(__file__).parents[1] / "evaluation" / "data"


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """The forecasts of the sample."""
    return load_cases(SAMPLE, 0)


def test_shipped_constants_are_of_this_model_and_have_provenance() -> None:
    provenance = json.loads(FILE.read_text())["provenance"]
    assert provenance["model_version"] == prophet_model.VERSION
    assert set(provenance["licences"].values()) == {"MIT", "Apache-2.0"}
    assert [len(digest) for digest in provenance["sha256"].values()] == [64] * 3
    assert provenance["origins"] > provenance["series"] > 50


def test_shipped_constants_are_complete_and_rise() -> None:
    calibration = load_calibration()
    assert [len(row) for row in calibration.daily] == [len(DAILY_LEVELS)] * GROUPS
    assert [len(row) for row in calibration.total] == [len(LEVELS)] * len(TOTAL_DAYS)
    assert all((np.diff(row) >= 0).all() for row in (*calibration.daily, *calibration.total))
    assert np.isfinite([value for row in (*calibration.daily, *calibration.total) for value in row]).all()
    assert calibration.confidence[1] < 0  # less volatility, more confidence


def test_falling_or_missing_constants_are_refused() -> None:
    content = json.loads(FILE.read_text())
    falling = [*content["total"][:-1], content["total"][-1][::-1]]
    for invalid in ({"daily": content["daily"][:-1]}, {"total": content["total"][:-1]}, {"total": falling}):
        with pytest.raises(CalibrationUnusable):
            parse_calibration(content | invalid)


def test_total_ratios_rise_at_any_length_and_match_measured_ones() -> None:
    calibration = load_calibration()
    for days in range(1, 32):
        assert (np.diff(calibration.total_ratios(days)) >= 0).all()
    for days, measured in zip(TOTAL_DAYS, calibration.total, strict=True):
        assert calibration.total_ratios(days) == pytest.approx(measured)
    assert calibration.total_ratios(31).tolist() == calibration.total_ratios(30).tolist()


def test_script_reproduces_its_constants_on_the_same_series(cases: list[Case]) -> None:
    stored = parse_calibration(json.loads((SAMPLE / "calibration.json").read_text()))
    found = calibrate(cases)
    for measured, expected in ((found.daily, stored.daily), (found.total, stored.total)):
        assert np.allclose(measured, expected, atol=0.1)  # fits differ slightly between machines
    assert calibrate(cases[::-1]) == found


def test_written_calibration_can_be_read_back(cases: list[Case]) -> None:
    content = json.loads(render(calibrate(cases), describe(SAMPLE, cases, "2026-11-01", "some-model")))
    assert parse_calibration(content) == calibrate(cases)
    assert content["provenance"]["made_on"] == "2026-11-01"
    assert content["provenance"]["licences"]["numenta/NAB"] == "MIT"


def test_ranges_have_their_coverage_on_the_data_they_were_calibrated_on() -> None:
    random = np.random.default_rng(5)

    def spend(days: int, active_share: float) -> Array:
        return random.gamma(1, 3, days) * (random.uniform(size=days) < active_share)

    dense, sparse = (
        [
            Case(f"s{n}", "f", spend(days, share), np.full(30, 3 * share), spend(30, share))
            for n in range(40)
            for days in (20, 100, 200)
        ]
        for share in (1.0, 0.6)
    )
    cases = dense + sparse
    calibration = calibrate(cases)
    above, inside = [], []
    for case in cases:
        above.append(case.actual > calculate_daily_bounds(case.y, case.predicted, calibration).upper_80)
        total = calculate_total(case.y, case.predicted, 30, calibration)
        inside.append(total.lower_80 <= case.actual.sum() <= total.upper_80)
    assert np.mean(above[: len(dense)]) == pytest.approx(0.1, abs=0.01)
    assert np.mean(above[len(dense) :]) == pytest.approx(
        0.085, abs=0.015
    )  # 0.2 of the days with spend at most
    assert np.mean(inside) == pytest.approx(0.8, abs=0.03)


def test_calibration_without_long_histories_is_refused(cases: list[Case]) -> None:
    short = [case._replace(y=case.y[:20]) for case in cases]
    with pytest.raises(DataProblem, match="long histories"):
        calibrate(short)
