"""Weekday factors: found in spend with a weekly pattern, 1 without one; ranges follow them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forecasting.model.intervals import calculate_daily_bounds
from forecasting.model.level import Array
from forecasting.model.weekdays import MAX_FACTOR, calculate_weekday_factors, factors_of_past

WEEK = np.array([6.0, 6, 6, 6, 6, 3, 3])


def noisy_weeks(weeks: int, seed: int = 1) -> Array:
    return np.resize(WEEK, 7 * weeks) * np.random.default_rng(seed).uniform(0.7, 1.3, 7 * weeks)


def test_weekends_that_cost_half_are_found() -> None:
    factors = calculate_weekday_factors(noisy_weeks(8))
    assert np.allclose(factors, WEEK / WEEK.mean(), atol=0.15)


def test_first_factor_is_that_of_the_day_after_the_history() -> None:
    y = noisy_weeks(8)
    assert set(np.argsort(calculate_weekday_factors(y[:-2]))[:2]) == {0, 1}


def test_factors_of_the_past_end_with_the_day_before_the_forecast() -> None:
    assert factors_of_past(np.arange(7.0), 10).tolist() == [4, 5, 6, 0, 1, 2, 3, 4, 5, 6]


def test_noise_is_rarely_taken_for_a_pattern() -> None:
    random = np.random.default_rng(0)
    found = [np.ptp(calculate_weekday_factors(random.gamma(1, 3, 56))) for _ in range(200)]
    assert np.mean(np.array(found) > 0) < 0.15
    assert np.mean(found) < 0.05


def test_one_week_is_no_pattern() -> None:
    assert calculate_weekday_factors(np.array([9.0, 1, 1, 1, 1, 1, 1])).tolist() == [1] * 7


@given(st.integers(1, 130).flatmap(lambda days: arrays(float, days, elements=st.floats(0, 1e8))))
def test_factors_of_any_history_are_bounded(y: Array) -> None:
    factors = calculate_weekday_factors(y)
    assert ((factors >= 0) & (factors <= MAX_FACTOR)).all()
    assert factors.mean() <= 1 + 1e-9


def test_range_of_a_weekend_is_narrower_where_weekends_cost_half() -> None:
    y = noisy_weeks(17)
    predicted = np.resize(WEEK, 30)
    bounds = calculate_daily_bounds(y, predicted)
    width = bounds.upper_80 - bounds.lower_80
    assert width[5] < 0.8 * width[2]
    assert bounds.upper_80[5] < predicted[2] < bounds.upper_80[2]
    assert bounds.lower_80[2] > bounds.lower_80[5]


def test_ranges_hold_on_each_weekday() -> None:
    """One range for all weekdays would cover all weekend days, and too few of the others."""
    inside = []
    for seed in range(60):
        y = noisy_weeks(25, seed)
        bounds = calculate_daily_bounds(y[:-30], np.resize(WEEK[5:].tolist() + WEEK[:5].tolist(), 30))
        inside.append((y[-30:] >= bounds.lower_80) & (y[-30:] <= bounds.upper_80))
    by_weekday = [np.mean(np.array(inside)[:, weekday::7]) for weekday in range(7)]
    assert np.ptp(by_weekday) < 0.15
