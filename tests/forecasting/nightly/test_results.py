"""Totals and days calculated by hand: spent, predicted and renewing amounts."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import numpy as np

from forecasting.model.forecast import Forecast
from forecasting.model.intervals import DailyBounds, Total
from forecasting.model.series import Series
from forecasting.nightly.results import (
    KnownSpend,
    Renewals,
    calculate_renewals_only,
    calculate_result,
    count_days_left,
)
from tally.core.months import last_day_of_month
from tally.core.quantile_levels import LEVELS
from tests.every_case import every_case

TODAY = date(2024, 5, 11)


def total_of(*bounds: float) -> Total:
    """A total from its 2.5%, 10%, 50%, 90% and 97.5%, with straight lines between them."""
    return Total(bounds[2], tuple(np.interp(LEVELS, (0.025, 0.1, 0.5, 0.9, 0.975), bounds).tolist()))


def forecast_of(unique_id: str = "total") -> Forecast:
    """Two dollars a day, give or take."""
    days = np.full(30, 2.0)
    return Forecast(
        series=Series(uuid4(), unique_id, TODAY - timedelta(days=20), np.full(20, 2.0), 20),
        model_version="test",
        predicted=days,
        bounds=DailyBounds(days * 0, days / 2, days * 2, days * 3),
        next_30_days=total_of(30, 45, 60, 75, 90),
        rest_of_month=total_of(10, 30, 42, 50, 70),
        confidence=0.75,
        backtest=None,
    )


def known_of(spent: str = "0", renewals: Renewals | None = None, unique_id: str = "total") -> KnownSpend:
    return KnownSpend(TODAY, {unique_id: Decimal(spent)}, {unique_id: renewals or {}})


def test_month_is_spent_plus_predicted() -> None:
    month = calculate_result(forecast_of(), known_of("17.25")).periods[1]
    assert (month.kind, month.first_day, month.last_day) == ("month_end", date(2024, 5, 1), date(2024, 5, 31))
    assert month.spent_usd == Decimal("17.25")
    assert month.amounts.predicted == Decimal("59.25")  # 17.25 + 42
    assert month.amounts.lower_95 == Decimal("27.25")  # 17.25 + 10: never below the amount spent
    assert month.amounts.upper_95 == Decimal("87.25")
    assert month.quantiles[LEVELS.index(0.975)] == month.amounts.upper_95
    assert len(month.quantiles) == len(LEVELS)


def test_next_30_days_begin_today_and_include_nothing_spent() -> None:
    total = calculate_result(forecast_of(), known_of("17.25")).periods[0]
    assert (total.kind, total.first_day, total.last_day) == ("next_30_days", TODAY, date(2024, 6, 9))
    assert total.spent_usd == 0
    assert total.amounts.predicted == 60


def test_renewals_are_added_to_their_day_and_the_totals_that_include_it() -> None:
    renewals = {date(2024, 5, 31): Decimal("20.01"), date(2024, 6, 9): Decimal(100)}
    result = calculate_result(forecast_of(), known_of("5", renewals))
    by_day = {day.day: day for day in result.days}
    assert by_day[date(2024, 5, 31)].amounts.predicted == Decimal("22.01")
    assert by_day[date(2024, 5, 31)].amounts.lower_95 == Decimal("20.01")
    assert by_day[date(2024, 5, 31)].renewals_usd == Decimal("20.01")
    assert by_day[date(2024, 5, 30)].amounts.predicted == 2
    assert by_day[date(2024, 6, 9)].amounts.predicted == 102
    next_30_days, month = result.periods
    assert next_30_days.amounts.predicted == Decimal("180.01")
    assert month.amounts.predicted == Decimal("67.01")  # 5 spent, 42 predicted, one renewal of 20.01


def test_only_metered_spend_lowers_confidence() -> None:
    assert calculate_result(forecast_of(), known_of()).confidence == Decimal("0.75")
    known = known_of("5", {date(2024, 5, 31): Decimal(40)})  # 60 of 100 are metered
    assert calculate_result(forecast_of(), known).confidence == Decimal("0.85")


def test_subscription_without_usage_is_known_exactly() -> None:
    known = known_of("20", {date(2024, 6, 3): Decimal(20)}, "provider:chatgpt")
    result = calculate_renewals_only("provider:chatgpt", known)
    next_30_days, month = result.periods
    assert set(next_30_days.amounts) == {Decimal(20)}
    assert set(month.amounts) == {Decimal(20)}  # spent; the next renewal is in June
    assert result.confidence == 1
    assert sum(day.amounts.predicted for day in result.days) == 20


@every_case(
    [
        (date(2024, 2, 1), date(2024, 2, 29), 29),
        (date(2024, 1, 1), date(2024, 1, 31), 31),
        (date(2024, 12, 31), date(2024, 12, 31), 1),
        (date(2023, 2, 28), date(2023, 2, 28), 1),
    ]
)
def test_month_ends_on_its_last_day(today: date, end: date, left: int) -> None:
    assert last_day_of_month(today) == end
    assert count_days_left(today) == left
