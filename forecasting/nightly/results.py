"""Forecasts as they are stored: metered predictions plus known renewals, in exact dollars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from forecasting.model.backtest import Backtest
from forecasting.model.forecast import Forecast
from forecasting.model.intervals import HORIZON_DAYS, Total
from tally.core.amounts import round_amount
from tally.core.months import last_day_of_month
from tally.core.quantile_levels import LEVELS

RENEWALS_ONLY = "renewals-only-1"
ZERO = Decimal(0)

Renewals = Mapping[date, Decimal]
Kind = Literal["next_30_days", "month_end"]


class Amounts(NamedTuple):
    """A prediction and its bounds in dollars, nested."""

    predicted: Decimal
    lower_80: Decimal
    upper_80: Decimal
    lower_95: Decimal
    upper_95: Decimal

    def plus(self, known: Decimal) -> "Amounts":
        return Amounts(*(amount + known for amount in self))


class Spread(NamedTuple):
    """A predicted total in dollars: its amounts, and the quantiles at LEVELS."""

    amounts: Amounts
    quantiles: tuple[Decimal, ...]

    def plus(self, known: Decimal) -> "Spread":
        return Spread(self.amounts.plus(known), tuple(amount + known for amount in self.quantiles))


class Day(NamedTuple):
    """One predicted day; its amounts include `renewals_usd` of subscriptions."""

    day: date
    amounts: Amounts
    renewals_usd: Decimal


class Period(NamedTuple):
    """A predicted total, first and last day included; it contains `spent_usd`, the spend so far."""

    kind: Kind
    first_day: date
    last_day: date
    spent_usd: Decimal
    amounts: Amounts
    quantiles: tuple[Decimal, ...]
    backtest: Backtest | None


class Training(NamedTuple):
    """The model, and the history that it was fitted on."""

    model_version: str
    first_day: date
    last_day: date
    record_count: int


@dataclass(frozen=True, slots=True)
class Metered:
    """Predicted metered spend of one series, without renewals or spend so far."""

    daily: Sequence[Amounts]
    next_30_days: Spread
    rest_of_month: Spread
    confidence: float
    backtest: Backtest | None
    training: Training


@dataclass(frozen=True, slots=True)
class Result:
    """All predictions of one run for one series."""

    unique_id: str
    days: list[Day]
    periods: list[Period]
    confidence: Decimal
    training: Training


@dataclass(frozen=True, slots=True)
class KnownSpend:
    """Spend that needs no model, by unique_id: this month's before `today`, and renewals from `today` on."""

    today: date
    spent_usd: Mapping[str, Decimal]
    renewals: Mapping[str, Renewals]


def count_days_left(today: date) -> int:
    """Days from `today` to the end of its month, both included."""
    return (last_day_of_month(today) - today).days + 1


def calculate_result(forecast: Forecast, known: KnownSpend) -> Result:
    """Add a series' renewals to its forecast, on their days and in its totals."""
    series = forecast.series
    metered = Metered(
        daily=_daily_dollars(forecast),
        next_30_days=_total_dollars(forecast.next_30_days),
        rest_of_month=_total_dollars(forecast.rest_of_month),
        confidence=forecast.confidence,
        backtest=forecast.backtest,
        training=Training(forecast.model_version, series.first_day, series.last_day, series.record_count),
    )
    return _add_known_spend(series.unique_id, metered, known)


def calculate_renewals_only(unique_id: str, known: KnownSpend) -> Result:
    """The result of a series with only renewals: known exactly, so its bounds equal the amounts."""
    nothing = Amounts(*[ZERO] * 5)
    total = Spread(nothing, (ZERO,) * len(LEVELS))
    yesterday = known.today - timedelta(days=1)
    metered = Metered(
        daily=[nothing] * HORIZON_DAYS,
        next_30_days=total,
        rest_of_month=total,
        confidence=1.0,
        backtest=None,
        training=Training(RENEWALS_ONLY, yesterday, yesterday, 0),
    )
    return _add_known_spend(unique_id, metered, known)


def _add_known_spend(unique_id: str, metered: Metered, known: KnownSpend) -> Result:
    renewals = known.renewals.get(unique_id, {})
    days = [
        Day(day, amounts.plus(renewals.get(day, ZERO)), renewals.get(day, ZERO))
        for day, amounts in zip(_horizon_days(known.today), metered.daily, strict=True)
    ]
    next_30_days = _calculate_next_30_days(metered, known.today, renewals)
    month = _calculate_month(metered, known.today, renewals, known.spent_usd.get(unique_id, ZERO))
    confidence = _dilute_confidence(metered, next_30_days.amounts.predicted)
    return Result(unique_id, days, [next_30_days, month], Decimal(f"{confidence:.2f}"), metered.training)


def _calculate_next_30_days(metered: Metered, today: date, renewals: Renewals) -> Period:
    last_day = today + timedelta(days=HORIZON_DAYS - 1)
    spread = metered.next_30_days.plus(_sum_between(renewals, today, last_day))
    return Period("next_30_days", today, last_day, ZERO, *spread, metered.backtest)


def _calculate_month(metered: Metered, today: date, renewals: Renewals, spent: Decimal) -> Period:
    last_day = last_day_of_month(today)
    spread = metered.rest_of_month.plus(_sum_between(renewals, today, last_day) + spent)
    return Period("month_end", today.replace(day=1), last_day, spent, *spread, metered.backtest)


def _dilute_confidence(metered: Metered, next_30_days: Decimal) -> float:
    """Confidence in a total that includes renewals: only its metered share is uncertain."""
    if next_30_days <= 0:
        return metered.confidence
    share = float(metered.next_30_days.amounts.predicted / next_30_days)
    return 1 - (1 - metered.confidence) * share


def _sum_between(renewals: Renewals, first: date, last: date) -> Decimal:
    return sum((amount for day, amount in renewals.items() if first <= day <= last), ZERO)


def _horizon_days(today: date) -> list[date]:
    return [today + timedelta(days=offset) for offset in range(HORIZON_DAYS)]


def _daily_dollars(forecast: Forecast) -> list[Amounts]:
    lower_95, lower_80, upper_80, upper_95 = forecast.bounds
    columns = (forecast.predicted, lower_80, upper_80, lower_95, upper_95)
    return [_dollars(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def _total_dollars(total: Total) -> Spread:
    amounts = (total.predicted, total.lower_80, total.upper_80, total.lower_95, total.upper_95)
    return Spread(_dollars(amounts), tuple(round_amount(Decimal(amount)) for amount in total.quantiles))


def _dollars(amounts: Sequence[float]) -> Amounts:
    return Amounts(*(round_amount(Decimal(amount)) for amount in amounts))
