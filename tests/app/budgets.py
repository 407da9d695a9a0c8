"""Budgets for tests: statuses without a database, and budgets of an account."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from app import data
from app.auth.identity import User
from tally.budgets.budget import Budget, Scope, Threshold
from tally.budgets.periods import find_period
from tally.budgets.status import BudgetStatus, Outlook
from tally.core.exceeding import Distribution
from tally.core.quantile_levels import LEVELS

TODAY = date(2026, 11, 20)
EVERYTHING = Scope(*[None] * len(Scope.__slots__))

USUAL: dict[str, Any] = {
    "id": "b",
    "name": "Budget",
    "scope": EVERYTHING,
    "measure": "cost",
    "currency": "USD",
    "period_kind": "month",
    "starts_on_day": 1,
    "counts_subscriptions": True,
    "counts_tax": True,
    "paused_at": None,
    "created_at": datetime(2026, 1, 1, tzinfo=UTC),
    "thresholds": (Threshold("t", "actual", 80),),
    "channels": (),
}


def status(
    limit: str = "600", likely: str | None = "500", spent: dict[date, str] | None = None, **fields: Any
) -> BudgetStatus:
    """A budget of everything in November 2026; `likely` is the middle of its forecast."""
    values: dict[str, Any] = USUAL | {"amount": Decimal(limit)} | fields
    budget = Budget(**values)
    period = find_period(budget.period_kind, budget.starts_on_day, TODAY)
    previous = find_period(budget.period_kind, budget.starts_on_day, period.first - timedelta(days=1))
    days = {day: Decimal(amount) for day, amount in (spent or {TODAY: "100"}).items()}
    outlook = None
    if likely is not None:
        middle = Decimal(likely)
        amounts = [max(middle + 100 * Decimal(str(level - 0.5)), Decimal(100)) for level in LEVELS]
        to_come = {TODAY + timedelta(days=nth): Decimal(1) for nth in range((period.last - TODAY).days + 1)}
        outlook = Outlook(middle, Distribution(LEVELS, amounts), to_come, datetime(2026, 11, 20, tzinfo=UTC))
    so_far = sum((amount for day, amount in days.items() if period.first <= day <= TODAY), Decimal(0))
    return BudgetStatus(budget, TODAY, period, previous, budget.amount, days, so_far, outlook)


def add_budget(
    user: User,
    name: str,
    amount: str,
    thresholds: tuple[tuple[str, int], ...] = (("actual", 80),),
    **columns: Any,
) -> str:
    """Save a budget of the account; returns its id."""
    row = {"name": name, "amount": amount, "currency": "USD", "period": "month", **columns}
    return data.create_budget(user, data.BudgetDraft(row, thresholds))
