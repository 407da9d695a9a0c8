"""Forecasts are finite, not negative and nested, for every history."""

from dataclasses import replace
from datetime import date
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecasting.model.backtest import calculate_backtest
from forecasting.model.forecast import ForecastUnusable, calculate_forecast, check_forecast, is_nested
from forecasting.model.intervals import (
    DailyBounds,
    Total,
    calculate_confidence,
    calculate_daily_bounds,
    calculate_total,
)
from forecasting.model.level import Array
from forecasting.model.prophet_model import calculate_daily
from forecasting.model.series import MAX_USD, Series
from tally.core.quantile_levels import LEVELS
from tests.every_case import every_case

amounts = st.one_of(st.just(0.0), st.floats(0, 50), st.floats(0, MAX_USD))
histories = st.integers(14, 150).flatmap(lambda days: arrays(float, days, elements=amounts))
trends = st.floats(-1e9, 1e9)


def series_of(y: Array) -> Series:
    return Series(uuid4(), "total", date(2024, 1, 1), y, len(y))


@settings(deadline=None)
@given(histories, trends, st.integers(1, 31))
def test_any_history_gives_valid_amounts(y: Array, trend: float, days: int) -> None:
    predicted = calculate_daily(trend, y, days)
    assert ((predicted >= 0) & (predicted <= y.max())).all()
    bounds = calculate_daily_bounds(y, predicted)
    total = calculate_total(y, predicted, days)
    rows = [*zip(bounds[0], bounds[1], predicted, bounds[2], bounds[3], strict=True), total.quantiles]
    assert all(is_nested(row) and row[-1] <= MAX_USD for row in rows)
    assert total.lower_80 <= total.predicted <= total.upper_80
    assert 0 <= calculate_confidence(y, predicted) <= 1


@settings(deadline=None)
@given(histories)
def test_any_history_can_be_backtested(y: Array) -> None:
    figures = calculate_backtest(y)
    assert (figures is None) == (len(y) < 60)
    if figures:
        assert 0 <= figures["error_usd"] < float("inf")
        assert 0 <= figures["within_80"] <= figures["within_95"] <= figures["months"] <= 3


def _outlier() -> Array:
    y = np.full(60, 1.0)
    y[31] = 10_000
    return y


HARD = {
    "no spend": np.zeros(40),
    "the same every day": np.full(40, 3.0),
    "a gap of ninety days": np.r_[np.full(30, 4.0), np.zeros(90), np.full(10, 4.0)],
    "one day only": np.r_[25.0, np.zeros(60)],
    "one day, yesterday": np.r_[np.zeros(29), 25.0],
    "an outlier of ten thousand times the usual": _outlier(),
    "the shortest": np.arange(14.0),
    "a year": np.arange(365.0) % 7,
    "fractions of a cent": np.random.default_rng(0).integers(0, 9, 30) * 5e-8,
    "the largest": np.random.default_rng(0).integers(0, 9, 30) * MAX_USD / 8,
}


@every_case([(y,) for y in HARD.values()])
def test_prophet_copes_with_hard_histories(y: Array) -> None:
    forecast = calculate_forecast(series_of(y), 31)  # raises unless finite, not negative and nested
    assert forecast.predicted.max() <= y.max()
    assert len(forecast.predicted) == 30


def test_one_outlier_does_not_become_the_forecast() -> None:
    assert calculate_forecast(series_of(_outlier()), 20).next_30_days.predicted < 30 * 10


def test_forecast_follows_a_new_level_and_the_end_of_a_series() -> None:
    risen = np.r_[np.full(300, 1.0), np.full(28, 20.0)]
    assert calculate_forecast(series_of(risen), 20).next_30_days.predicted > 30 * 10
    ended = np.r_[np.full(60, 5.0), np.zeros(28)]
    assert calculate_forecast(series_of(ended), 20).next_30_days.predicted < 30 * 0.5


def test_month_without_days_left_is_certain() -> None:
    forecast = calculate_forecast(series_of(np.full(20, 2.0)), 0)
    assert forecast.rest_of_month == Total(0.0, (0.0,) * len(LEVELS))


def test_range_of_the_month_narrows_with_fewer_days_left() -> None:
    y = np.random.default_rng(4).gamma(2, 3, 90)
    predicted = np.full(31, 6.0)
    totals = [calculate_total(y, predicted, days) for days in range(32)]
    widths = [total.upper_80 - total.lower_80 for total in totals]
    assert widths == sorted(widths)


def test_confidence_rises_with_steadier_spend_and_longer_history() -> None:
    days = np.full(30, 5.0)
    volatile = np.tile([0.0, 0, 0, 0, 0, 0, 0, 20, 0, 5, 20, 0, 10, 15], 4)
    confidences = [calculate_confidence(y, days) for y in (volatile, np.full(56, 5.0), np.full(300, 5.0))]
    assert confidences == sorted(confidences)
    assert confidences[0] < confidences[1] - 0.2


def test_held_out_month_is_compared_with_the_month_before_it() -> None:
    figures = calculate_backtest(np.r_[np.full(30, 1.0), np.full(30, 3.0)])
    assert figures is not None
    assert figures["months"] == 1
    assert figures["mean_usd"] == 90
    assert figures["error_usd"] == figures["same_as_last_month_error_usd"] == 60


def test_steady_spend_is_forecast_to_continue() -> None:
    forecast = calculate_forecast(series_of(np.full(60, 2.0)), 10)
    assert forecast.next_30_days.predicted == pytest.approx(60, rel=0.01)
    assert forecast.rest_of_month.predicted == pytest.approx(20, rel=0.01)


def test_same_history_gives_the_same_forecast() -> None:
    y = np.random.default_rng(3).gamma(1, 5, 90)
    first, second = (calculate_forecast(series_of(y), 12) for _ in range(2))
    assert first.predicted.tolist() == second.predicted.tolist()
    assert (first.next_30_days, first.rest_of_month) == (second.next_30_days, second.rest_of_month)


def test_weekly_pattern_shows_in_the_forecast() -> None:
    workdays = np.tile([5.0, 5, 5, 5, 5, 0, 0], 8)  # 2024 began on a Monday
    noise = np.random.default_rng(0).uniform(0.5, 1.5, 56)
    predicted = calculate_forecast(series_of(workdays * noise), 30).predicted
    assert predicted[5] < predicted[1] - 1
    assert predicted[12] == pytest.approx(predicted[5])


def test_range_of_a_total_is_narrower_than_its_summed_days() -> None:
    forecast = calculate_forecast(series_of(np.random.default_rng(0).gamma(2, 5, 200)), 30)
    total, days = forecast.next_30_days, forecast.bounds
    assert total.upper_80 - total.lower_80 < (days.upper_80 - days.lower_80).sum()


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -1.0])
def test_forecast_with_invalid_bounds_is_refused(bad: float) -> None:
    forecast = calculate_forecast(series_of(np.full(20, 2.0)), 30)
    upper_95 = forecast.bounds.upper_95.copy()
    upper_95[3] = bad
    with pytest.raises(ForecastUnusable):
        check_forecast(replace(forecast, bounds=DailyBounds(*forecast.bounds[:3], upper_95)))
