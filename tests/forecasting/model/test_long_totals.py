"""Totals beyond 30 days: nested, as measured up to 30 days, and honest on public series beyond."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.public_series import load_public_series
from forecasting.model import prophet_model
from forecasting.model.intervals import calculate_total
from forecasting.model.long_totals import calculate_long_total, extend_days

AMOUNTS = st.lists(st.floats(0, 99_999_999), min_size=14, max_size=120).map(np.array)
HISTORY_DAYS = 150  # of the public series


@given(
    AMOUNTS, st.lists(st.floats(0, 99_999_999), min_size=30, max_size=31).map(np.array), st.integers(0, 400)
)
def test_totals_of_any_length_are_nested_and_those_up_to_30_days_as_measured(
    y: np.ndarray, predicted: np.ndarray, days: int
) -> None:
    total = calculate_long_total(y, predicted, days)
    assert all(a <= b for a, b in pairwise(total.quantiles))
    assert total.quantiles[0] >= 0
    assert np.isfinite(total.quantiles).all()
    assert total.lower_80 <= total.predicted <= total.upper_80
    if days <= 30:
        assert total == calculate_total(y, predicted, days)


def test_the_pattern_of_weeks_goes_on() -> None:
    week = np.array([1.0, 2, 3, 4, 5, 6, 7])
    extended = extend_days(np.resize(week, 30), 366)
    assert (extended == np.resize(week, 366)).all()


def test_a_range_is_wider_the_longer_the_period() -> None:
    y, predicted = np.array([1.0, 2, 3, 4] * 20), np.full(30, 2.5)
    ratios = [
        total.upper_80 / total.predicted
        for total in (calculate_long_total(y, predicted, days) for days in (30, 60, 90, 366))
    ]
    assert ratios == sorted(ratios)
    assert len(set(ratios)) == 4


@pytest.fixture(scope="module")
def forecasts() -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """History, prediction and actual days of the public series that are long enough."""
    found = []
    for series in load_public_series():
        history = series.before(HISTORY_DAYS)
        if len(series.y) >= HISTORY_DAYS + 60 and not history.days_missing:
            predicted = prophet_model.calculate_daily(prophet_model.fit_trend(history), history.y, 30)
            found.append((history.y, predicted, series.y[HISTORY_DAYS:]))
    return found


@pytest.mark.parametrize("days", [60, 90, 180])
def test_ranges_hold_on_public_series_beyond_what_is_calibrated(
    forecasts: list[tuple[np.ndarray, np.ndarray, np.ndarray]], days: int
) -> None:
    inside_80, inside_95 = [], []
    for y, predicted, actual in forecasts:
        if len(actual) >= days:
            total, spent = calculate_long_total(y, predicted, days), actual[:days].sum()
            inside_80.append(total.lower_80 <= spent <= total.upper_80)
            inside_95.append(total.lower_95 <= spent <= total.upper_95)
    assert len(inside_80) >= 20
    assert 0.75 <= np.mean(inside_80) <= 0.97
    assert np.mean(inside_95) >= 0.9
