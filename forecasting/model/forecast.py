"""Forecast of one series: validate, fit, add intervals, check. Runs in worker processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from forecasting.model import intervals
from forecasting.model.backtest import Backtest, calculate_backtest
from forecasting.model.intervals import HORIZON_DAYS, DailyBounds, Total
from forecasting.model.level import Array
from forecasting.model.series import Series, validate_series


class ForecastUnusable(Exception):
    """The forecast has invalid amounts."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Predicted metered spend; the days and both totals start on the day after the history."""

    series: Series
    model_version: str
    predicted: Array
    bounds: DailyBounds
    next_30_days: Total
    rest_of_month: Total
    confidence: float
    backtest: Backtest | None


def calculate_forecast(series: Series, days_left_in_month: int) -> Forecast:
    """Forecast 30 days and the rest of the month; raises SeriesRefused, FitFailed or ForecastUnusable."""
    from forecasting.model import prophet_model  # slow to import (1 s), and only workers need it

    validate_series(series)
    trend = prophet_model.fit_trend(series)
    days = max(HORIZON_DAYS, days_left_in_month)  # 31 days may be left, more than the horizon
    all_days = prophet_model.calculate_daily(trend, series.y, days)
    predicted = all_days[:HORIZON_DAYS]
    forecast = Forecast(
        series=series,
        model_version=prophet_model.VERSION,
        predicted=predicted,
        bounds=intervals.calculate_daily_bounds(series.y, predicted),
        next_30_days=intervals.calculate_total(series.y, all_days, HORIZON_DAYS),
        rest_of_month=intervals.calculate_total(series.y, all_days, days_left_in_month),
        confidence=intervals.calculate_confidence(series.y, predicted),
        backtest=calculate_backtest(series.y),
    )
    check_forecast(forecast)
    return forecast


def check_forecast(forecast: Forecast) -> None:
    """Raise ForecastUnusable unless all amounts are finite, not negative and nested."""
    lower_95, lower_80, upper_80, upper_95 = forecast.bounds
    rows = [
        *zip(lower_95, lower_80, forecast.predicted, upper_80, upper_95, strict=True),
        *map(_bounds_of, (forecast.next_30_days, forecast.rest_of_month)),
        forecast.next_30_days.quantiles,
        forecast.rest_of_month.quantiles,
    ]
    # Written so that NaN fails: every comparison with it is false.
    if not all(is_nested(row) for row in rows):
        raise ForecastUnusable("its bounds are negative, not finite or not nested")


def is_nested(amounts: Sequence[float]) -> bool:
    """Return whether amounts never decrease, start at $0 or more, and are finite."""
    return amounts[0] >= 0 and amounts[-1] < float("inf") and all(a <= b for a, b in pairwise(amounts))


def _bounds_of(total: Total) -> tuple[float, ...]:
    return total.lower_95, total.lower_80, total.predicted, total.upper_80, total.upper_95
