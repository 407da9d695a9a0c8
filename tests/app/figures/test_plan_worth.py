"""Price and worth of plans by month."""

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from app.figures.currencies import Currency
from app.figures.plan_worth import PlanMonth, calculate_months, sum_months
from tally.spend.subscriptions import Subscription

TODAY = date(2026, 3, 20)


def spend(*rows: tuple[str, str, str, str | None, int]) -> pd.DataFrame:
    """Days with a cost basis, charge type, amount and number of unpriced records, all of one plan."""
    lines: list[dict[str, Any]] = [
        {
            "date": pd.Timestamp(day),
            "provider": "chatgpt",
            "model": "ChatGPT Plus",
            "cost_basis": basis,
            "charge_type": charge,
            "amount": amount and Decimal(amount),
            "unpriced_records": unpriced,
        }
        for day, basis, charge, amount, unpriced in rows
    ]
    return pd.DataFrame(lines, columns=list(lines[0]) if lines else ["date"])


def test_month_has_its_price_worth_and_unpriced_records() -> None:
    daily = spend(
        ("2026-03-01", "billed", "subscription", "20", 0),
        ("2026-03-02", "included", "usage", "30.5", 0),
        ("2026-03-03", "included", "usage", None, 2),
        ("2026-03-03", "billed", "usage", "99", 0),
        ("2026-02-01", "billed", "subscription", "20", 0),
    )
    march, february = calculate_months(daily, [], TODAY, Currency())
    assert march == PlanMonth(
        "chatgpt", date(2026, 3, 1), Decimal(20), Decimal("30.5"), True, 2, frozenset({"ChatGPT Plus"})
    )
    assert march.factor == Decimal("1.525")
    assert (february.paid, february.has_usage, february.factor) == (Decimal(20), False, None)


def test_yearly_price_is_spread_over_its_months_to_the_cent() -> None:
    plan = Subscription("p", "Yearly", Decimal(100), date(2025, 4, 5), renewal_day=5, interval="year")
    paid = spend(("2025-04-05", "billed", "subscription", "100", 0))
    months = calculate_months(paid, [("chatgpt", plan)], TODAY, Currency())
    assert [month.month for month in months][::11] == [date(2026, 3, 1), date(2025, 4, 1)]
    assert [month.paid for month in months] == [Decimal("8.37"), *[Decimal("8.33")] * 11]
    assert sum(month.paid for month in months) == 100


def test_sum_leaves_out_unpaid_months_and_those_before_the_first_usage() -> None:
    before = PlanMonth("chatgpt", date(2025, 12, 1), paid=Decimal(20), plans=frozenset({"Plus"}))
    first = PlanMonth("chatgpt", date(2026, 1, 1), worth=Decimal(5), has_usage=True)
    paid = PlanMonth("chatgpt", date(2026, 2, 1), paid=Decimal(20), plans=frozenset({"Pro"}))
    total = sum_months([paid, first, before])
    assert (total.month, total.paid, total.worth) == (date(2026, 2, 1), Decimal(20), Decimal(0))
    assert total.has_usage, "there was usage, though none in a paid month"
    assert total.plans == {"Plus", "Pro"}


def test_sum_of_unpaid_months_has_their_worth() -> None:
    unpaid = PlanMonth("chatgpt", date(2026, 1, 1), worth=Decimal(5), has_usage=True)
    assert sum_months([unpaid]).worth == 5
