"""Bars of costs by a dimension."""

from decimal import Decimal
from typing import Any

import pandas as pd

from app.figures.dimension_bars import MAX_LABEL, find_factor, make_bars
from tally.storage.dimension_costs import COUNTS, DimensionCosts, read_dimension


def costs(*parts: tuple[str, str | None, str, str]) -> DimensionCosts:
    usual: dict[str, Any] = {**dict.fromkeys(COUNTS, 0), "unpriced_records": 0, "values": 3}
    rows = [
        {**usual, "kind": kind, "value": value, "cost_usd": cost, "included_usd": included}
        for kind, value, cost, included in parts
    ]
    return read_dimension("agent", {"total": {**usual, "cost_usd": "9", "included_usd": "0"}, "parts": rows})


def test_bars_are_in_the_display_currency_and_only_values_stand_out() -> None:
    found = costs(
        ("value", "codex", "4", "0"),
        ("rest", None, "3", "0"),
        ("none", None, "2", "0"),
        ("hidden", None, "1", "0"),
    )
    bars = make_bars(found, Decimal("0.5"), "EUR")
    assert list(bars.amounts) == [2.0, 1.5, 1.0, 0.5]
    assert list(bars.labels.values()) == ["codex", "Other (3)", "No agent", "Others' records"]
    assert [bars.labels[key] for key in bars.named] == ["codex"]


def test_worth_of_plans_is_told_and_not_added() -> None:
    bars = make_bars(costs(("value", "codex", "0", "41")), Decimal(1), "USD")
    assert list(bars.amounts) == [0.0]
    assert list(bars.labels.values()) == ["codex (+$41.00 in plans)"]


def test_values_that_look_like_parts_or_are_long_stay_apart() -> None:
    names = ("part-0", "rest", "x" * 300)
    bars = make_bars(costs(*(("value", name, "1", "0") for name in names)), Decimal(1), "USD")
    assert len(bars.labels) == 3
    assert len(bars.labels["part-2"]) == MAX_LABEL


def test_factor_is_the_average_rate_of_the_period() -> None:
    money = pd.DataFrame(
        {"cost_usd": [Decimal(2), Decimal(2), None], "amount": [Decimal(1), Decimal(3), None]}
    )
    assert find_factor(money) == 1
    assert find_factor(money.iloc[:1]) == Decimal("0.5")
    assert find_factor(money.iloc[2:]) == 1
