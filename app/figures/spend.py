"""Sums of daily costs, in the display currency.

Money is Decimal; usage that a plan includes has a value, which is never added to spend.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd

INCLUDED = "included"
OTHER = "Other"
TREND_DAYS = 60
PROVIDER_DAY = ["date", "provider"]
MODEL_DAY = [*PROVIDER_DAY, "model"]


@dataclass(frozen=True, slots=True)
class Spend:
    """Totals of a period: spend, the subscriptions in it, the value of included usage, unpriced records."""

    total: Decimal
    subscriptions: Decimal
    included: Decimal
    unpriced_records: int
    cost_per_request: Decimal | None


def select_days(daily: pd.DataFrame, first: date | None, last: date) -> pd.DataFrame:
    """The rows of the days from `first` to `last`, both included."""
    chosen = daily["date"] <= pd.Timestamp(last)
    return daily[chosen if first is None else chosen & (daily["date"] >= pd.Timestamp(first))]


def select_money(daily: pd.DataFrame) -> pd.DataFrame:
    """The rows that are spend, without usage that plans include."""
    return daily[daily["cost_basis"] != INCLUDED]


def calculate_spend(daily: pd.DataFrame) -> Spend:
    """The totals of a period."""
    money = select_money(daily)
    return Spend(
        total=sum_amounts(money),
        subscriptions=sum_amounts(money[money["charge_type"] == "subscription"]),
        included=sum_amounts(daily[daily["cost_basis"] == INCLUDED]),
        unpriced_records=int(daily["unpriced_records"].sum()),
        cost_per_request=_cost_per_request(money),
    )


def sum_amounts(daily: pd.DataFrame) -> Decimal:
    """The exact sum of the known costs."""
    return sum((cost for cost in daily["amount"] if cost is not None), Decimal(0))


def select_series(daily: pd.DataFrame, provider: str | None, model: str | None) -> pd.DataFrame:
    """The rows of one provider (by slug), of one model, or of everything."""
    if model is not None:
        return daily[daily["model"] == model]
    return daily if provider is None else daily[daily["provider"] == provider]


def sum_money(daily: pd.DataFrame) -> Decimal:
    """The exact sum of spend."""
    return sum_amounts(select_money(daily))


def spend_by_day(daily: pd.DataFrame, first: date, last: date) -> pd.Series:
    """Spend of every day from `first` to `last`, for charts; 0 without records."""
    days = pd.date_range(first, last, name="date")
    return select_money(daily).groupby("date")["cost"].sum().reindex(days, fill_value=0.0)


def fill_days(daily: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """Spend with rows on the first and the last day, so that a chart spans the period."""
    money = select_days(select_money(daily), first, last)[["date", "provider", "cost"]]
    if money.empty:
        return money
    edges = pd.DataFrame(
        {"date": pd.to_datetime([first, last]), "provider": money["provider"].iloc[0], "cost": 0.0}
    )
    return pd.concat([money, edges], ignore_index=True)


def sum_by_provider(money: pd.DataFrame, names: list[str]) -> pd.Series:
    """Spend of each named provider, in order of the names, and of the rest as one."""
    rest = money["provider"].where(money["provider"].isin(names), OTHER)
    totals = money.groupby(rest)["cost"].sum()
    return totals.reindex([name for name in (*names, OTHER) if name in totals.index])


def top_models(daily: pd.DataFrame, count: int) -> pd.DataFrame:
    """The most expensive models: model, cost, share in percent, requests, and the last days as a trend."""
    money = select_money(daily)
    by_model = money.groupby("model")[["cost", "requests"]].sum().sort_values("cost", ascending=False)
    total = by_model["cost"].clip(lower=0).sum()
    top = by_model.head(count).reset_index()
    prices = money.groupby("model")["amount"].count()  # counts priced rows only
    top.loc[top["model"].map(prices) == 0, "cost"] = float("nan")
    top["share"] = 100 * top["cost"].clip(lower=0) / total if total else 0.0
    trend = money[money["model"].isin(top["model"])].pivot_table(
        index="date", columns="model", values="cost", aggfunc="sum", fill_value=0.0
    )
    if not trend.empty:
        trend = trend.reindex(pd.date_range(daily["date"].min(), daily["date"].max()), fill_value=0.0).tail(
            TREND_DAYS
        )
    top["trend"] = [trend[model].round(4).tolist() for model in top["model"]]
    return top


def _cost_per_request(money: pd.DataFrame) -> Decimal | None:
    metered = _metered(money)
    requests = int(metered["requests"].sum())
    return sum_amounts(metered) / requests if requests and metered["amount"].notna().any() else None


def _metered(money: pd.DataFrame) -> pd.DataFrame:
    """Rows of usage that tell what a request costs; failed requests without tokens cost nothing.

    Unpriced models have requests without a cost, fees have a cost without requests: both are left out. The
    money and the requests of a billed day are in different rows, under different names of the model if the
    bill has its own. Where requests have their own money, money without requests may be for others that
    nobody counted, so that model's day tells nothing.
    """
    usage = money[money["charge_type"] == "usage"]
    usage = usage[_sum_over(usage, "unpriced_records", MODEL_DAY) == 0]
    own = usage["cost"].where(usage["requests"] > 0, 0.0)
    split = usage.assign(own=own, loose=usage["cost"] - own)
    is_mixed = (_sum_over(split, "own", MODEL_DAY) != 0) & (_sum_over(split, "loose", MODEL_DAY) != 0)
    usage = usage[~is_mixed]
    has_requests = _sum_over(usage, "requests", MODEL_DAY) > 0
    # Nobody pays for requests that all failed, so no other money is theirs.
    has_cost = (
        usage["amount"].notna().groupby([usage[key] for key in MODEL_DAY], observed=True).transform("any")
    )
    is_paid_elsewhere = has_requests & has_cost & (_sum_over(usage, "cost", MODEL_DAY) == 0)
    is_billed_together = is_paid_elsewhere.groupby(
        [usage[key] for key in PROVIDER_DAY], observed=True
    ).transform("any")
    return usage[has_requests | is_billed_together]


def _sum_over(rows: pd.DataFrame, column: str, keys: list[str]) -> pd.Series:
    return rows.groupby(keys, observed=True)[column].transform("sum")
