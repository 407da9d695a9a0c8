"""What is stored of a forecast: the fitted part plus the renewals that are known, in exact dollars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple
from uuid import UUID

from forecasting.model.backtest import Backtest
from forecasting.model.forecast import Forecast
from forecasting.model.intervals import HORIZON_DAYS, Total
from tally.core.amounts import round_amount
from tally.core.quantile_levels import LEVELS

ONLY_RENEWALS = "renewals-only-1"

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
    """One predicted day; `renewals_usd` of the prediction are subscriptions."""

    day: date
    amounts: Amounts
    renewals_usd: Decimal


class Period(NamedTuple):
    """A predicted total over whole days, both ends included; `spent_usd` of it is spent already."""

    kind: Kind
    first_day: date
    last_day: date
    spent_usd: Decimal
    amounts: Amounts
    quantiles: tuple[Decimal, ...]
    backtest: Backtest | None


@dataclass(frozen=True, slots=True)
class Result:
    """All that one run says about one series."""

    unique_id: str
    days: list[Day]
    periods: list[Period]
    confidence: Decimal
    model_version: str
    training_start: date
    training_end: date
    training_record_count: int


@dataclass(frozen=True, slots=True)
class Known:
    """What needs no model, by unique_id: money spent this month before `today`, renewals from `today` on."""

    user_id: UUID
    today: date
    spent_usd: Mapping[str, Decimal]
    renewals: Mapping[str, Renewals]


def last_day_of_month(day: date) -> date:
    """The last day of the month that `day` is in."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def count_days_left(today: date) -> int:
    """Days from `today` to the end of its month, both included."""
    return (last_day_of_month(today) - today).days + 1


def calculate_result(forecast: Forecast, known: Known) -> Result:
    """The forecast with the renewals of its series added on their days and to its totals."""
    series = forecast.series
    lower_95, lower_80, upper_80, upper_95 = forecast.bounds
    columns = (forecast.predicted, lower_80, upper_80, lower_95, upper_95)
    daily = [_dollars(row) for row in zip(*(column.tolist() for column in columns), strict=True)]
    return _assemble(
        series.unique_id,
        known,
        daily,
        (_total_dollars(forecast.next_30_days), _total_dollars(forecast.rest_of_month)),
        forecast.backtest,
        forecast.confidence,
        (forecast.model_version, series.first_day, series.last_day, series.record_count),
    )


def calculate_renewals_only(unique_id: str, known: Known) -> Result:
    """A series with renewals and no usage ever: known exactly, so its bounds are the amounts themselves."""
    nothing = Amounts(*[Decimal(0)] * 5)
    yesterday = known.today - timedelta(days=1)
    total = Spread(nothing, (Decimal(0),) * len(LEVELS))
    trained = (ONLY_RENEWALS, yesterday, yesterday, 0)
    return _assemble(unique_id, known, [nothing] * HORIZON_DAYS, (total, total), None, 1.0, trained)


def _assemble(
    unique_id: str,
    known: Known,
    daily: Sequence[Amounts],
    totals: tuple[Spread, Spread],
    backtest: Backtest | None,
    confidence: float,
    trained: tuple[str, date, date, int],
) -> Result:
    renewals = known.renewals.get(unique_id, {})
    periods = _calculate_periods(
        known, renewals, known.spent_usd.get(unique_id, Decimal(0)), totals, backtest
    )
    next_30_days, metered = periods[0].amounts.predicted, totals[0].amounts.predicted
    if next_30_days > 0:
        confidence = 1 - (1 - confidence) * float(metered / next_30_days)  # only what is metered is in doubt
    days = [
        Day(day, amounts.plus(renewals.get(day, Decimal(0))), renewals.get(day, Decimal(0)))
        for day, amounts in zip(_days_from(known.today), daily, strict=True)
    ]
    return Result(unique_id, days, periods, Decimal(f"{confidence:.2f}"), *trained)


def _calculate_periods(
    known: Known,
    renewals: Renewals,
    spent: Decimal,
    totals: tuple[Spread, Spread],
    backtest: Backtest | None,
) -> list[Period]:
    today = known.today
    horizon_end = today + timedelta(days=HORIZON_DAYS - 1)
    month_end = last_day_of_month(today)
    next_30_days = totals[0].plus(_renewing(renewals, today, horizon_end))
    month = totals[1].plus(_renewing(renewals, today, month_end) + spent)
    return [
        Period("next_30_days", today, horizon_end, Decimal(0), *next_30_days, backtest),
        Period("month_end", today.replace(day=1), month_end, spent, *month, backtest),
    ]


def _renewing(renewals: Renewals, first: date, last: date) -> Decimal:
    return sum((amount for day, amount in renewals.items() if first <= day <= last), Decimal(0))


def _days_from(today: date) -> list[date]:
    return [today + timedelta(days=offset) for offset in range(HORIZON_DAYS)]


def _total_dollars(total: Total) -> Spread:
    amounts = (total.predicted, total.lower_80, total.upper_80, total.lower_95, total.upper_95)
    return Spread(_dollars(amounts), tuple(round_amount(Decimal(amount)) for amount in total.quantiles))


def _dollars(amounts: Sequence[float]) -> Amounts:
    return Amounts(*(round_amount(Decimal(amount)) for amount in amounts))
