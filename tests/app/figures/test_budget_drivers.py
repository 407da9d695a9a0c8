"""What drives a budget: models by their change, and the reasons in parts that add up to it."""

from decimal import Decimal

import pandas as pd

from app.figures.budget_drivers import compare_models, compare_months, explain_spend, select_scope
from tests.app.budgets import status


def rows(*given: tuple[str, str, str, str, int]) -> pd.DataFrame:
    """Daily costs: day, model, charge type, amount and tokens."""
    days, models, charges, amounts, tokens = zip(*given, strict=True)
    return pd.DataFrame(
        {
            "date": pd.to_datetime(list(days)),
            "provider": "openai",
            "model": list(models),
            "cost_basis": "billed",
            "charge_type": list(charges),
            "amount": pd.Series([Decimal(amount) for amount in amounts], dtype=object),
            "cost": [float(amount) for amount in amounts],
            "tokens": list(tokens),
        }
    )


MONTHS = rows(
    ("2026-10-05", "small", "usage", "10", 1000),
    ("2026-10-25", "small", "usage", "500", 50_000),  # after the same day of October
    ("2026-11-05", "small", "usage", "30", 2000),
    ("2026-11-06", "plan", "subscription", "20", 0),
    ("2026-11-07", "small", "tax", "1", 0),
)


def test_reasons_compare_the_same_days_and_add_up() -> None:
    reasons = explain_spend(MONTHS, status())
    assert reasons == [
        ("costs without tokens", Decimal(21)),
        ("more tokens", Decimal(10)),
        ("a higher cost per token", Decimal(10)),
    ]
    models = compare_models(MONTHS, status())
    assert models["change"].sum() == float(sum(amount for _, amount in reasons))


def test_months_with_and_without_tokens_are_one_sentence() -> None:
    months = rows(("2026-10-05", "a", "usage", "153", 0), ("2026-11-05", "a", "usage", "158", 2000))
    [(reason, amount)] = explain_spend(months, status())
    assert amount == 5
    assert reason == "usage with tokens in only one of the two periods, so not split further"


def test_what_a_budget_leaves_out_is_no_reason() -> None:
    lean = status(counts_subscriptions=False, counts_tax=False)
    reasons = explain_spend(select_scope(MONTHS, lean.budget, None), lean)
    assert sum(amount for _, amount in reasons) == 20


def test_without_spend_before_there_is_nothing_to_explain() -> None:
    assert explain_spend(MONTHS[MONTHS["date"] >= "2026-11-01"], status()) == []


def test_months_before_the_first_spend_are_not_compared_with_a_limit() -> None:
    amounts = pd.Series([0.0, 0.0, 40.0, 0.0, 60.0, 99.0])
    assert compare_months(amounts, 50) == "Above the limit: 1 of 3 earlier months."
    assert compare_months(amounts.iloc[-2:], 50) == "Above the limit: 1 of 1 earlier month."
    assert compare_months(pd.Series([0.0, 99.0]), 50) == ""
