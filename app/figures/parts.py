"""Spend by project or person. Ids stand for what has no name: no project, hidden projects, other people."""

from collections.abc import Mapping

import pandas as pd

REST = "rest"


def sum_by_part(money: pd.DataFrame, named: Mapping[str, str], most: int) -> pd.Series:
    """Spend of each part of a split: the dearest `named` ones, the rest of them as one, then the others."""
    totals = money.groupby("part")["cost"].sum()
    known = totals[totals.index.isin(list(named))].sort_values(ascending=False, kind="stable")
    shown, rest = known.head(most), known.iloc[most:]
    parts = [shown]
    if len(rest):
        parts.append(pd.Series({REST: rest.sum()}))
    parts.append(totals[~totals.index.isin(list(named))].sort_index(ascending=False))
    return pd.concat([part for part in parts if len(part)]) if len(totals) else totals


def count_rest(money: pd.DataFrame, named: Mapping[str, str], most: int) -> int:
    """The number of named parts that `sum_by_part` shows as one."""
    return max(int(money["part"].drop_duplicates().isin(list(named)).sum()) - most, 0)
