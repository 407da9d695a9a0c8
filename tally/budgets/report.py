"""Budgets as JSON for programs: amounts are text, in the budget's currency or tokens; unknown ones null."""

from decimal import Decimal
from typing import Any

from tally.budgets.status import BudgetStatus
from tally.core.amounts import round_amount


def describe_status(status: BudgetStatus) -> dict[str, Any]:
    """The JSON object of a budget."""
    budget, scope = status.budget, status.budget.scope
    return {
        "id": budget.id,
        "name": budget.name,
        "scope": {
            "project": scope.project,
            "provider": scope.provider,
            "model": scope.model_name,
            "person": scope.person,
            "billing_account": scope.billing_account,
            "tag": scope.tag,
            "agent": scope.agent,
            "environment": scope.environment,
            "customer": scope.customer,
        },
        "measure": budget.measure,
        "currency": None if budget.measure == "tokens" else budget.currency,
        "period": budget.period_kind,
        "period_start": status.period.first.isoformat(),
        "period_end": status.period.last.isoformat(),
        "state": status.state.value,
        "limit": _text(status.limit),
        "spent": _text(status.spent),
        "spent_before": _text(status.spent_before),
        "left": _text(status.left),
        "left_a_day": _text(status.left_a_day),
        "likely": _text(status.likely),
        "range_80": _texts(status.range_80),
        "range_95": _texts(status.range_95),
        "chance": None if status.chance is None else round(status.chance, 4),
        "day": status.day and status.day.isoformat(),
        "forecast_made_at": status.outlook and status.outlook.made_at.isoformat(),
        "thresholds": [{"kind": one.kind, "percent": one.percent} for one in budget.thresholds],
        "note": status.note,
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{round_amount(amount).normalize():f}"


def _texts(amounts: tuple[Decimal, Decimal] | None) -> list[str | None] | None:
    return None if amounts is None else [_text(amount) for amount in amounts]


def format_share(chance: float | None) -> str:
    """A chance as text: 100% only if certain, and never 0%."""
    if chance is None:
        return "-"
    if chance == 1:
        return "100%"
    if chance > 0.99:
        return ">99%"
    return "<1%" if chance < 0.01 else f"{Decimal(str(chance)) * 100:.0f}%"
