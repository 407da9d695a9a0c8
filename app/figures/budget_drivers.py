"""Spend of a budget's scope by model, in its period so far and by the same day of the period before."""

from datetime import date
from decimal import Decimal

import pandas as pd

from app.figures.spend import select_days, select_money
from tally.budgets.budget import Budget, Scope
from tally.budgets.status import BudgetStatus
from tally.core.months import add_months
from tally.core.text import plural
from tally.digests.drivers import explain_change
from tally.digests.facts import ZERO, Cost

SHOWN = 6


def is_in_daily_costs(scope: Scope) -> bool:
    """True where daily costs tell of the scope: they know projects, providers and models alone."""
    others = (scope.user_id, scope.billing_account, scope.tag, scope.agent, scope.environment, scope.customer)
    return not any(others)


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
    earlier, later = _split(rows, status)
    now = later.groupby("model")[measure].sum()
    before = earlier.groupby("model")[measure].sum()
    both = pd.DataFrame({"now": now, "before": before}).fillna(0.0)
    both["change"] = both["now"] - both["before"]
    ordered = both.loc[both["change"].abs().sort_values(ascending=False, kind="stable").index]
    shown = ordered.head(SHOWN).reset_index(names="model")
    if len(rest := ordered.iloc[SHOWN:]):
        shown.loc[len(shown)] = [f"{len(rest):,} more", *rest.sum()]
    return shown[(shown["now"] != 0) | (shown["before"] != 0)]


def explain_spend(rows: pd.DataFrame, status: BudgetStatus) -> list[tuple[str, Decimal]]:
    """The reasons of the change of spend, which add up to it; none without spend before."""
    before, after = (
        [
            Cost(
                row["date"].date(),
                row["model"],
                row["charge_type"],
                row["amount"] or ZERO,
                int(row["tokens"]),
            )
            for row in part.to_dict("records")
        ]
        for part in _split(rows, status)
    )
    return explain_change(before, after).reasons if before else []


def _split(rows: pd.DataFrame, status: BudgetStatus) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of the period before up to the same day, and of the period so far."""
    reached = min(status.previous.first + (status.today - status.period.first), status.previous.last)
    earlier = select_days(rows, status.previous.first, reached)
    return earlier, select_days(rows, status.period.first, status.today)


def sum_months(rows: pd.DataFrame, measure: str, months: list[date]) -> "pd.Series[float]":
    """Amounts of whole months by their first days."""
    column = "tokens" if measure == "tokens" else "cost"
    by_month = rows.groupby(rows["date"].dt.to_period("M"))[column].sum()
    return pd.Series([float(by_month.get(pd.Period(month, "M"), 0.0)) for month in months], index=months)


def compare_months(amounts: "pd.Series[float]", limit: float) -> str:
    """Say how many months before the newest were above a limit, counted from the first with spend."""
    past = amounts.iloc[:-1]
    recorded = past[(past != 0).cumsum() > 0]
    if recorded.empty:
        return ""
    return f"Above the limit: {int((recorded > limit).sum())} of {plural(len(recorded), 'earlier month')}."


def list_months(today: date, count: int) -> list[date]:
    """The first days of the last months, this one included, oldest first."""
    return [add_months(today.replace(day=1), -back) for back in reversed(range(count))]
