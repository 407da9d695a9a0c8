"""The display currency, and conversion of loaded frames into it, day by day.

In US dollars every amount stays the exact Decimal that is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pandas as pd

from app.figures.spend import select_money, select_series
from tally.currency.rates import USD, Rates, from_usd

COVERED_SINCE = date(2020, 1, 1)  # no older records can be saved
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
    """A currency with its daily rates; US dollars need none."""

    code: str = USD
    rates: Rates | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> tuple[str, date | None]:
        """Cache key: the same key gives the same amounts."""
        return self.code, self.rates.newest_day if self.rates else None

    @property
    def is_converted(self) -> bool:
        """True where amounts differ from the stored dollars."""
        return self.code != USD

    def convert(self, cost_usd: Decimal, day: date) -> Decimal:
        """Convert dollars at the rate of a day; future days have the newest rate."""
        return from_usd(cost_usd, self.code, day, self.rates)


class Spent(NamedTuple):
    """Spend of a period so far: in US dollars, and converted day by day."""

    cost_usd: Decimal
    amount: Decimal


def list_currencies(rates: Rates) -> list[str]:
    """Currencies with rates for every day that records may have."""
    return rates.list_current(COVERED_SINCE)


def convert_daily(daily: pd.DataFrame, currency: Currency) -> pd.DataFrame:
    """Daily costs with `amount` and `cost` in a currency; `cost_usd` stays."""
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
    """Predicted days in a currency, each at its own rate."""
    if not currency.is_converted:
        return predictions
    rates = _rates_by_day(predictions["date"], currency)
    factors = predictions["date"].map({day: float(rate) for day, rate in rates.items()}).astype(float)
    return predictions.assign(**{name: predictions[name] * factors for name in MONEY_OF_PREDICTIONS})


def convert_totals(
    totals: pd.DataFrame, daily: pd.DataFrame, slugs: Mapping[str, str], currency: Currency
) -> pd.DataFrame:
    """Predicted totals in a currency: past days at their own rates, the rest at the period's last rate.

    `daily` is converted and has every day of every period; `slugs` maps provider id to slug.
    """
    if not currency.is_converted or totals.empty:
        return totals
    money = select_money(daily)
    spent: dict[tuple[object, ...], Spent] = {}
    rows = []
    for row in totals.to_dict("records"):
        key = (row["provider_id"], row["model_name"], row["period_start"], row["period_end"])
        if key not in spent:
            series = select_series(money, slugs.get(row["provider_id"] or ""), row["model_name"] or None)
            spent[key] = _sum_days(series, row["period_start"], row["period_end"])
        rows.append(_convert_total(row, spent[key], currency))
    return totals.assign(
        **{
            name: pd.Series([row[name] for row in rows], index=totals.index, dtype=object)
            for name in (*MONEY_OF_TOTALS, "quantiles")
        }
    )


def _convert_total(row: Mapping[Any, Any], spent: Spent, currency: Currency) -> dict[str, Any]:
    """The money of one total; what exceeds the spend so far has the rate of the period's last day."""

    def convert(cost_usd: Decimal | None) -> Decimal | None:
        if cost_usd is None:
            return None
        return spent.amount + currency.convert(cost_usd - spent.cost_usd, row["period_end"])

    quantiles = row["quantiles"] and [convert(cost_usd) for cost_usd in row["quantiles"]]
    return {name: convert(row[name]) for name in MONEY_OF_TOTALS} | {"quantiles": quantiles}


def _sum_days(money: pd.DataFrame, first: date, last: date) -> Spent:
    days = money["date"]
    chosen = money[(days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last)) & money["cost_usd"].notna()]
    return Spent(sum(chosen["cost_usd"], Decimal(0)), sum(chosen["amount"], Decimal(0)))


def _rates_by_day(days: pd.Series, currency: Currency) -> dict[pd.Timestamp, Decimal]:
    return {day: currency.convert(Decimal(1), day.date()) for day in days.unique()}
