"""The table of projects with their spend of a month."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pandas as pd

from app.figures.spend import select_money, sum_amounts
from tally.storage.unnamed import UNNAMED


def share_out(split: pd.DataFrame, names: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Projects with cost and share in percent: the given (id, name) by cost, then what has no name.

    Columns: project_id, name, cost (Decimal), share (None without spend).
    """
    money = select_money(split)
    costs = {str(part): sum_amounts(rows) for part, rows in money.groupby("part")}
    total = sum(costs.values(), Decimal(0))
    ordered = sorted(names, key=lambda entry: -costs.get(entry[0], Decimal(0)))
    unnamed = [entry for entry in reversed(UNNAMED.items()) if entry[0] in costs]
    lines = [_line(part, name, costs, total) for part, name in (*ordered, *unnamed)]
    return pd.DataFrame(lines, dtype=object)


def _line(part: str, name: str, costs: Mapping[str, Decimal], total: Decimal) -> dict[str, Any]:
    cost = costs.get(part, Decimal(0))
    return {
        "project_id": part,
        "name": name,
        "cost": cost,
        "share": 100 * cost / total if total > 0 else None,
    }
