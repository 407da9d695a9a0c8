"""The currency that a person reads amounts in, and what the pages load, converted into it day by day.

Without conversion every amount stays the exact Decimal that is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pandas as pd

from app.figures.spend import select_money, select_series
from tally.currency.rates import USD, Rates, from_usd

COVERED_SINCE = date(2020, 1, 1)  # no record is older
MONEY_OF_TOTALS = (
    "spent_usd",
    "predicted_cost_usd",
    "actual_cost_usd",
    "lower_bound_80",
    "upper_bound_80",
    "lower_bound_95",
    "upper_bound_95",
)
MONEY_OF_PREDICTIONS = ("predicted", "lower_80", "upper_80", "lower_95", "upper_95", "renewals")


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency with the rates of every day; US dollars need none."""

    code: str = USD
    rates: Rates | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, date | None]:
        """What decides how amounts look: the same key gives the same amounts."""
        return self.code, self.rates.newest_day if self.rates else None

    @property
    def is_converted(self) -> bool:
        """Whether amounts differ from what is stored."""
        return self.code != USD

    def convert(self, cost_usd: Decimal, day: date) -> Decimal:
        """Dollars at the rate of that day; days to come have the newest rate."""
        return from_usd(cost_usd, self.code, day, self.rates)


def list_currencies(rates: Rates) -> list[str]:
    """The currencies that amounts of any day can be shown in."""
    return rates.list_current(COVERED_SINCE)


def convert_daily(daily: pd.DataFrame, currency: Currency) -> pd.DataFrame:
    """Daily costs with `amount` and `cost` in that currency; `cost_usd` stays."""
    if not currency.is_converted:
        return daily
    rates = _rates_by_day(daily["date"], currency)
    amounts = [
        None if cost is None else cost * rates[day]
        for cost, day in zip(daily["cost_usd"], daily["date"], strict=True)
    ]
    return daily.assign(
        amount=pd.Series(amounts, index=daily.index, dtype=object),
        cost=pd.Series([float(amount or 0) for amount in amounts], index=daily.index, dtype=float),
    )


def convert_predictions(predictions: pd.DataFrame, currency: Currency) -> pd.DataFrame:
    """Predicted days in that currency, each at its own rate."""
    if not currency.is_converted:
        return predictions
    rates = _rates_by_day(predictions["date"], currency)
    factors = predictions["date"].map({day: float(rate) for day, rate in rates.items()}).astype(float)
    return predictions.assign(**{name: predictions[name] * factors for name in MONEY_OF_PREDICTIONS})


def convert_totals(
    totals: pd.DataFrame, daily: pd.DataFrame, slugs: Mapping[str, str], currency: Currency
) -> pd.DataFrame:
    """Predicted totals in that currency: what is spent by now day by day, the rest at the period's last rate.

    `daily` is converted and has every day of every period; `slugs` is provider id -> slug.
    """
    if not currency.is_converted or totals.empty:
        return totals
    money = select_money(daily)
    spent: dict[tuple[object, ...], tuple[Decimal, Decimal]] = {}
    converted: dict[str, list[Any]] = {name: [] for name in (*MONEY_OF_TOTALS, "quantiles")}
    for row in totals.to_dict("records"):
        about = (row["provider_id"], row["model_name"], row["period_start"], row["period_end"])
        if about not in spent:
            series = select_series(money, slugs.get(row["provider_id"] or ""), row["model_name"] or None)
            spent[about] = _sum_days(series, row["period_start"], row["period_end"])
        convert = partial(_convert_rest, *spent[about], row["period_end"], currency)
        for name in MONEY_OF_TOTALS:
            converted[name].append(convert(row[name]))
        converted["quantiles"].append(row["quantiles"] and [convert(amount) for amount in row["quantiles"]])
    return totals.assign(
        **{name: pd.Series(values, index=totals.index, dtype=object) for name, values in converted.items()}
    )


def _convert_rest(
    spent_usd: Decimal, amount: Decimal, day: date, currency: Currency, cost_usd: Decimal | None
) -> Decimal | None:
    """Dollars of which a part is spent and converted, the rest at the rate of the day."""
    return None if cost_usd is None else amount + currency.convert(cost_usd - spent_usd, day)


def _sum_days(money: pd.DataFrame, first: date, last: date) -> tuple[Decimal, Decimal]:
    """What was spent from `first` to `last`: in dollars, and converted."""
    days = money["date"]
    chosen = money[(days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last)) & money["cost_usd"].notna()]
    return sum(chosen["cost_usd"], Decimal(0)), sum(chosen["amount"], Decimal(0))


def _rates_by_day(days: pd.Series, currency: Currency) -> dict[pd.Timestamp, Decimal]:
    return {day: currency.convert(Decimal(1), day.date()) for day in days.unique()}
