"""Costs of billing accounts in a frame of statements."""

from decimal import Decimal
from typing import Any

import pandas as pd

BASES = ("billed", "estimated")


def sum_accounts(statements: pd.DataFrame) -> pd.DataFrame:
    """The part of each account in the totals, billed and estimated, dearest first; None without any."""
    lines: list[dict[str, Any]] = []
    for account, rows in statements.groupby("billing_account"):
        line: dict[str, Any] = {"account": str(account)}
        for basis in BASES:
            known = [cost for cost in rows[rows["cost_basis"] == basis]["effective_usd"] if cost is not None]
            line[basis] = sum(known, Decimal(0)) if known else None
        lines.append(line)
    lines.sort(key=lambda line: -sum(line[basis] or 0 for basis in BASES))
    return pd.DataFrame(lines, columns=["account", *BASES], dtype=object)
