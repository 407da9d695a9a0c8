"""One series' forecast: validate -> fit -> intervals. What a worker process does."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from forecasting.model import intervals
from forecasting.model.backtest import Backtest, calculate_backtest
from forecasting.model.intervals import HORIZON_DAYS, Daily, Total
from forecasting.model.level import Array
from forecasting.model.series import Series, validate_series


class ForecastUnusable(Exception):
    """A forecast came out that must not be shown."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Metered spend from the day after the history on. `rest_of_month` counts from that day too."""

    series: Series
    model_version: str
    predicted: Array
    bounds: Daily
    next_30_days: Total
    rest_of_month: Total
    confidence: float
    backtest: Backtest | None


def calculate_forecast(series: Series, days_left_in_month: int) -> Forecast:
    """Forecast 30 days and the rest of the month, or raise what makes it impossible."""
    from forecasting.model import prophet_model  # takes a second to import; only workers need it

    validate_series(series)
    fitted = prophet_model.fit(series)
    days = max(HORIZON_DAYS, days_left_in_month)  # a month that begins today may be longer than the horizon
    longest = prophet_model.calculate_daily(fitted, series.y, days)
    predicted = longest[:HORIZON_DAYS]
    forecast = Forecast(
        series=series,
        model_version=prophet_model.VERSION,
        predicted=predicted,
        bounds=intervals.calculate_daily_bounds(series.y, predicted),
        next_30_days=intervals.calculate_total(series.y, longest, HORIZON_DAYS),
        rest_of_month=intervals.calculate_total(series.y, longest, days_left_in_month),
        confidence=intervals.calculate_confidence(series.y, predicted),
        backtest=calculate_backtest(series.y),
    )
    check_forecast(forecast)
    return forecast


def check_forecast(forecast: Forecast) -> None:
    """ForecastUnusable unless everything is finite, not negative and nested."""
    lower_95, lower_80, upper_80, upper_95 = forecast.bounds
    ladders = [
        *zip(lower_95, lower_80, forecast.predicted, upper_80, upper_95, strict=True),
        *map(_bounds_of, (forecast.next_30_days, forecast.rest_of_month)),
        forecast.next_30_days.quantiles,
        forecast.rest_of_month.quantiles,
    ]
    # Written so that NaN fails: every comparison with it is false.
    if not all(is_nested(ladder) for ladder in ladders):
        raise ForecastUnusable("its bounds came out negative, not finite or not nested")


def is_nested(ladder: Sequence[float]) -> bool:
    """Whether amounts rise from at least $0 to something finite."""
    return ladder[0] >= 0 and ladder[-1] < float("inf") and all(a <= b for a, b in pairwise(ladder))


def _bounds_of(total: Total) -> tuple[float, ...]:
    return total.lower_95, total.lower_80, total.predicted, total.upper_80, total.upper_95
