"""Subscriptions spread over the days that they pay for."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from app.figures.currencies import Currency
from app.figures.spend import sum_money
from app.figures.subscription_days import spread_ahead, spread_subscriptions
from tally.spend.subscriptions import Subscription

TODAY = date(2026, 11, 29)


def row(day: date, amount: str, **fields: Any) -> dict[str, Any]:
    money = {"cost_usd": Decimal(amount), "amount": Decimal(amount), "cost": float(amount)}
    kinds = {"cost_basis": "billed", "charge_type": "subscription"}
    counts = {"tokens": 0, "requests": 0, "records": 1, "unpriced_records": 0}
    named = {"date": pd.Timestamp(day), "provider": "chatgpt", "model": "Plus"}
    return {**named, **kinds, **money, **counts, **fields}


def plan(renewal_day: int, interval: str = "month", **fields: Any) -> tuple[str, Subscription]:
    started = fields.pop("started_on", date(2025, 1, 1))
    return "chatgpt", Subscription("id", "Plus", Decimal(30), started, renewal_day, interval, **fields)  # type: ignore[arg-type]


def test_a_month_is_spread_until_the_next_renewal() -> None:
    daily = pd.DataFrame([row(date(2026, 10, 17), "31"), row(date(2026, 10, 18), "5", charge_type="usage")])
    spread = spread_subscriptions(daily, [plan(17)], TODAY)
    by_day = spread[spread["charge_type"] == "subscription"].set_index("date")["amount"]
    assert by_day.to_dict() == {day: Decimal(1) for day in pd.date_range("2026-10-17", "2026-11-16")}
    assert spread["records"].sum() == 2


def test_a_year_is_spread_over_a_year_and_shown_up_to_today() -> None:
    daily = pd.DataFrame([row(date(2026, 11, 20), "365")])
    spread = spread_subscriptions(daily, [plan(20, "year", started_on=date(2026, 11, 20))], TODAY)
    assert spread["amount"].tolist() == [Decimal(1)] * 10


def test_a_renewal_of_no_known_plan_pays_for_a_month() -> None:
    spread = spread_subscriptions(pd.DataFrame([row(date(2026, 1, 31), "28")]), [], TODAY)
    assert spread["date"].max() == pd.Timestamp(2026, 2, 27)
    assert spread["amount"].tolist() == [Decimal(1)] * 28


@given(st.lists(st.tuples(st.integers(40, 400), st.decimals("0.01", 500, places=2)), min_size=1, max_size=6))
def test_nothing_is_lost_once_the_days_have_passed(found: list[tuple[int, Decimal]]) -> None:
    daily = pd.DataFrame([row(TODAY - timedelta(days=ago), str(amount)) for ago, amount in found])
    spread = spread_subscriptions(daily, [plan(3)], TODAY)
    assert abs(sum_money(spread) - sum_money(daily)) < Decimal("1e-15")


def test_forecast_has_renewals_on_the_days_that_they_pay_for() -> None:
    days = pd.date_range("2026-11-30", periods=30)
    renewals = [30.0 if day.day == 17 else 0.0 for day in days]
    names = ("predicted", "lower_80", "upper_80", "lower_95", "upper_95")
    ahead = pd.DataFrame(
        {"date": days, "renewals": renewals, **{name: [10.0 + it for it in renewals] for name in names}}
    )
    daily = pd.DataFrame([row(date(2026, 11, 17), "30")])
    spread = spread_ahead(ahead, daily, [plan(17)], Currency())
    by_day = spread.set_index("date")["predicted"]
    assert by_day[pd.Timestamp(2026, 12, 16)] == 11
    assert round(by_day[pd.Timestamp(2026, 12, 17)], 6) == round(10 + 30 / 31, 6)
    assert spread["upper_95"].equals(spread["predicted"])


def test_a_plan_that_ends_is_not_spread_beyond_its_last_renewal() -> None:
    days = pd.date_range("2026-11-30", periods=30)
    ahead = pd.DataFrame({"date": days, "renewals": 0.0, "predicted": 0.0})
    ended = plan(17, ended_on=date(2026, 11, 20))
    spread = spread_ahead(ahead, pd.DataFrame([row(date(2026, 11, 17), "30")]), [ended], Currency())
    assert spread.loc[spread["predicted"] > 0, "date"].max() == pd.Timestamp(2026, 12, 16)
