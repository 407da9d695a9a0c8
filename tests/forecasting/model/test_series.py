"""Daily series: filled with zeros, measured for length, refused with impossible amounts."""

from datetime import date
from uuid import uuid4

import numpy as np
import pytest

from forecasting.model.series import (
    MIN_DAYS,
    DailySpend,
    Series,
    SeriesRefused,
    calculate_series,
    validate_series,
)
from tests.every_case import every_case

LAST_DAY = date(2024, 3, 1)


def calculate(*rows: tuple[str, date, float]) -> dict[str, Series]:
    daily = [DailySpend(*row, records=1) for row in rows]
    return {series.unique_id: series for series in calculate_series(uuid4(), daily, LAST_DAY)}


def test_days_without_spend_are_zero_up_to_the_last_day() -> None:
    series = calculate(("total", date(2024, 2, 26), 5.0), ("total", date(2024, 2, 28), 2.5))["total"]
    assert series.y.tolist() == [5.0, 0.0, 2.5, 0.0, 0.0]  # 2024 has a 29 February
    assert (series.first_day, series.last_day) == (date(2024, 2, 26), LAST_DAY)
    assert series.record_count == 2


def test_every_series_begins_on_its_own_first_day() -> None:
    series = calculate(("total", date(2024, 2, 1), 1.0), ("model:new", LAST_DAY, 1.0))
    assert series["total"].days == 30
    assert series["model:new"].days == 1


def test_records_dated_in_the_future_are_left_out() -> None:
    found = calculate(
        ("total", date(2024, 2, 29), 1.0),
        ("total", date(2024, 3, 2), 9.0),
        ("model:x", date(2031, 1, 1), 9.0),
    )
    assert found["total"].y.tolist() == [1.0, 0.0]
    assert set(found) == {"total"}


def test_no_spend_gives_no_series() -> None:
    assert calculate() == {}


@every_case([(1, MIN_DAYS - 1), (9, MIN_DAYS - 9), (MIN_DAYS, 0), (400, 0)])
def test_short_series_counts_its_missing_days(days: int, missing: int) -> None:
    assert Series(uuid4(), "total", LAST_DAY, np.ones(days), days).days_missing == missing


@every_case(
    [
        ([], 0),
        ([1] * 6, 1),
        ([1] * 7, 0),
        ([190] + [0.5] * 6, 4),
        ([190] + [0.5] * 9, 1),
        ([190] + [0.5] * 10, 0),
        ([40] + [5] * 6, 0),
    ]
)
def test_few_days_with_spend_are_too_few_for_a_forecast(spending: list[float], missing: int) -> None:
    y = np.array([*[0.0] * (60 - len(spending)), *spending])
    assert Series(uuid4(), "total", LAST_DAY, y, 60).days_missing == missing


def test_old_spend_does_not_count() -> None:
    y = np.array([*[5.0] * 40, *[0.0] * 60, 1.0])
    assert Series(uuid4(), "total", LAST_DAY, y, 41).days_missing == 10


@every_case([(amount,) for amount in [float("nan"), float("inf"), -0.01, 1e9]])
def test_impossible_amounts_are_refused(amount: float) -> None:
    y = np.ones(20)
    y[7] = amount
    with pytest.raises(SeriesRefused, match="a day's spend is"):
        validate_series(Series(uuid4(), "total", LAST_DAY, y, 20))
