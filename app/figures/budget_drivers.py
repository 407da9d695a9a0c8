"""Spend of a budget's scope by model, in its period so far and by the same day of the period before."""

from datetime import date, timedelta

import pandas as pd

from app.figures.spend import select_days, select_money
from tally.budgets.budget import Budget, Scope
from tally.budgets.status import BudgetStatus

SHOWN = 6


def is_in_daily_costs(scope: Scope) -> bool:
    """True where daily costs tell of the scope: they know projects, providers and models alone."""
    return not (scope.user_id or scope.billing_account or scope.tag)


def select_scope(daily: pd.DataFrame, budget: Budget, slug: str | None) -> pd.DataFrame:
    """The rows that a budget counts, of daily costs of its project; `slug` is its provider's."""
    rows = daily if budget.measure == "tokens" else select_money(daily)
    if slug is not None:
        rows = rows[rows["provider"] == slug]
    if budget.scope.model_name is not None:
        rows = rows[rows["model"] == budget.scope.model_name]
    if not budget.counts_subscriptions:
        rows = rows[rows["charge_type"] != "subscription"]
    return rows if budget.counts_tax else rows[rows["charge_type"] != "tax"]


def compare_models(rows: pd.DataFrame, status: BudgetStatus) -> pd.DataFrame:
    """Models with their amounts now and before, and the change, largest changes first; the rest as one."""
    measure = "tokens" if status.budget.measure == "tokens" else "cost"
    reached = min(status.previous.first + (status.today - status.period.first), status.previous.last)
    now = select_days(rows, status.period.first, status.today).groupby("model")[measure].sum()
    before = select_days(rows, status.previous.first, reached).groupby("model")[measure].sum()
    both = pd.DataFrame({"now": now, "before": before}).fillna(0.0)
    both["change"] = both["now"] - both["before"]
    ordered = both.loc[both["change"].abs().sort_values(ascending=False, kind="stable").index]
    shown = ordered.head(SHOWN).reset_index(names="model")
    if len(rest := ordered.iloc[SHOWN:]):
        shown.loc[len(shown)] = [f"{len(rest):,} more", *rest.sum()]
    return shown[(shown["now"] != 0) | (shown["before"] != 0)]


def sum_months(rows: pd.DataFrame, measure: str, months: list[date]) -> "pd.Series[float]":
    """Amounts of whole months by their first days."""
    column = "tokens" if measure == "tokens" else "cost"
    by_month = rows.groupby(rows["date"].dt.to_period("M"))[column].sum()
    return pd.Series([float(by_month.get(pd.Period(month, "M"), 0.0)) for month in months], index=months)


def list_months(today: date, count: int) -> list[date]:
    """The first days of the last months, this one included, oldest first."""
    months = [today.replace(day=1)]
    while len(months) < count:
        months.insert(0, (months[0] - timedelta(days=1)).replace(day=1))
    return months
