"""Sums of daily costs."""

from decimal import Decimal

import pandas as pd

from app.figures import spend


def test_cost_per_request_counts_metered_usage_only() -> None:
    rows = [
        ("usage", "billed", "2", 10, 0),
        ("subscription", "billed", "20", 0, 0),
        ("usage", "included", "9", 5, 0),
        ("usage", "estimated", "1", 99, 1),
    ]
    columns = ["charge_type", "cost_basis", "amount", "requests", "unpriced_records"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["amount"] = pd.Series([Decimal(cost) for cost in frame["amount"]], dtype=object)

    assert spend.calculate_spend(frame).cost_per_request == Decimal("0.2")
    assert spend.calculate_spend(frame).total == Decimal(23)
