"""A total with more or less use of one model."""

from decimal import Decimal
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from app.figures.what_if import calculate_shares, change_usage, predict_part

MONEY = st.decimals(0, 1000, places=2)
RENEWALS = Decimal(20)


def month(usage: Decimal = Decimal(60), spread: Decimal = Decimal(10)) -> dict[str, Any]:
    """$50 spent, a subscription renewal, and usage for the rest."""
    known = 50 + RENEWALS
    return {
        "spent_usd": Decimal(50),
        "predicted_cost_usd": known + usage,
        "lower_bound_80": known + max(usage - spread, Decimal(0)),
        "upper_bound_80": known + usage + spread,
    }


@given(MONEY, MONEY, MONEY, st.decimals(-1, 2, places=2))
def test_known_spend_stays_and_the_range_stays_ordered(
    usage: Decimal, spread: Decimal, part: Decimal, change: Decimal
) -> None:
    outcome = change_usage(month(usage, spread), RENEWALS, part, change)
    assert 70 <= outcome.lower_80 <= outcome.predicted <= outcome.upper_80


@given(MONEY, MONEY, MONEY)
def test_unchanged_use_changes_nothing(usage: Decimal, spread: Decimal, part: Decimal) -> None:
    total = month(usage, spread)
    assert change_usage(total, RENEWALS, part, Decimal(0)) == (
        total["predicted_cost_usd"],
        total["lower_bound_80"],
        total["upper_bound_80"],
    )


def test_unused_model_costs_nothing() -> None:
    outcome = change_usage(month(), RENEWALS, Decimal(45), Decimal(-1))
    assert (outcome.predicted, outcome.lower_80) == (Decimal(85), Decimal("82.5"))


def test_three_times_the_use_triples_the_part_of_a_model() -> None:
    assert change_usage(month(), RENEWALS, Decimal(30), Decimal(2)).predicted == 130 + 60


def test_own_forecast_of_a_model_takes_precedence_over_its_share() -> None:
    own = {"predicted_cost_usd": Decimal(50), "spent_usd": Decimal(38)}
    assert predict_part(own, month(), RENEWALS, Decimal("0.5")) == 12
    assert predict_part(None, month(), RENEWALS, Decimal("0.5")) == 30


def test_shares_count_metered_spend_only() -> None:
    daily = pd.DataFrame(
        {
            "model": ["a", "b", "a", "plan", "unpriced", "credit"],
            "charge_type": ["usage", "usage", "usage", "subscription", "usage", "usage"],
            "amount": [*map(Decimal, (3, 2, 3, 20)), None, Decimal(-4)],
        }
    )
    assert calculate_shares(daily) == {"a": Decimal("0.75"), "b": Decimal("0.25")}
