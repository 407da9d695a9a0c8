"""Budgets with their status and events, and changes of budgets."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from app.auth.identity import User, database_of, supabase_client
from app.data.channels import DELIVERY_COLUMNS, parse_delivery
from app.data.reading import cached, data_version, fetch_rows, forget_version, select
from tally.budgets.status import BudgetStatus, load_statuses
from tally.storage.postgrest import ask

EVENTS_SHOWN = 30
HIGHEST = "facts->percent"  # of the events of one evaluation
LIMITS_READ = 5
SCOPE = (
    *("project_id", "provider_id", "model_name", "user_id", "billing_account", "tag"),
    *("agent", "environment", "customer"),
)
WHOLE_MONTH = {
    "period": "month",
    "starts_on_day": 1,
    "measure": "cost",
    "counts_subscriptions": True,
    "counts_tax": True,
}
USUAL_THRESHOLDS = (("actual", 50), ("actual", 80), ("actual", 100), ("forecast", 100))
EVENT_COLUMNS = "id,kind,severity,state,facts,occurred_at,cleared_at"


@dataclass(frozen=True, slots=True)
class BudgetDraft:
    """A budget as a form has it: the columns of its row, its thresholds, its channels (none: all)."""

    columns: Mapping[str, Any]
    thresholds: tuple[tuple[str, int], ...]
    channels: tuple[str, ...] = ()


def load_budgets(user: User) -> list[BudgetStatus]:
    """The budgets that the user may see, by name."""
    return _budgets(user, data_version(user))


@cached
def _budgets(user: User, version: str) -> list[BudgetStatus]:  # noqa: ARG001
    return load_statuses(database_of(user))


def load_month_limits(user: User) -> list[tuple[Decimal, str]]:
    """Amounts and currencies of active budgets of everything in a calendar month, oldest first."""
    return _month_limits(user, data_version(user))


@cached
def _month_limits(user: User, version: str) -> list[tuple[Decimal, str]]:  # noqa: ARG001
    query = select(user, "budgets", "amount::text,currency").match(WHOLE_MONTH)
    for column in (*SCOPE, "paused_at"):
        query = query.is_(column, "null")
    rows = fetch_rows(query.order("created_at").order("id").limit(LIMITS_READ))
    return [(Decimal(row["amount"]), row["currency"]) for row in rows]


def load_budget_events(user: User, budget_id: str) -> list[dict[str, Any]]:
    """The newest events of a budget; admins see their `deliveries`, others none."""
    events = select(user, "alert_events", f"{EVENT_COLUMNS},deliveries({DELIVERY_COLUMNS})")
    of_budget = events.eq("kind", "budget").eq("subject", budget_id)
    rows = fetch_rows(of_budget.order("occurred_at", desc=True).order(HIGHEST, desc=True).limit(EVENTS_SHOWN))
    return [row | {"deliveries": list(map(parse_delivery, row["deliveries"]))} for row in rows]


def create_budget(user: User, draft: BudgetDraft) -> str:
    """Save a new budget with its thresholds and channels; returns its id."""
    budget_id = str(uuid4())
    _insert(user, "budgets", [{**draft.columns, "id": budget_id}])
    _save_parts(user, budget_id, draft)
    return budget_id


def update_budget(user: User, budget_id: str, draft: BudgetDraft) -> None:
    """Change a budget; thresholds that stay keep what they told."""
    database_of(user).update("budgets", budget_id, dict(draft.columns))
    for table in ("budget_thresholds", "budget_channels"):
        for key in _list_parts(user, table, budget_id) - _keys(draft, table):
            _delete_part(user, table, budget_id, key)
    _save_parts(user, budget_id, draft)


def pause_budget(user: User, budget_id: str, is_paused: bool) -> None:
    """Pause a budget, or go on with it."""
    paused_at = datetime.now(UTC).isoformat() if is_paused else None
    database_of(user).update("budgets", budget_id, {"paused_at": paused_at})
    forget_version(user)


def delete_budget(user: User, budget_id: str) -> None:
    """Delete a budget with its thresholds; its past events stay."""
    database_of(user).delete("budgets", budget_id)
    forget_version(user)


def _keys(draft: BudgetDraft, table: str) -> set[tuple[Any, ...]]:
    return set(draft.thresholds) if table == "budget_thresholds" else {(one,) for one in draft.channels}


def _list_parts(user: User, table: str, budget_id: str) -> set[tuple[Any, ...]]:
    names = _part_columns(table)
    rows = fetch_rows(select(user, table, ",".join(names)).eq("budget_id", budget_id))
    return {tuple(row[name] for name in names) for row in rows}


def _part_columns(table: str) -> tuple[str, ...]:
    return ("kind", "percent") if table == "budget_thresholds" else ("channel_id",)


def _delete_part(user: User, table: str, budget_id: str, key: tuple[Any, ...]) -> None:
    request = supabase_client(user).table(table).delete().eq("budget_id", budget_id)
    for name, value in zip(_part_columns(table), key, strict=True):
        request = request.eq(name, value)
    ask(request.execute)


def _save_parts(user: User, budget_id: str, draft: BudgetDraft) -> None:
    for table in ("budget_thresholds", "budget_channels"):
        names = _part_columns(table)
        new = sorted(_keys(draft, table) - _list_parts(user, table, budget_id))
        _insert(
            user,
            table,
            [{"budget_id": budget_id, **dict(zip(names, key, strict=True))} for key in new],
        )
    forget_version(user)


def _insert(user: User, table: str, rows: list[dict[str, Any]]) -> None:
    if rows:
        own = {"workspace_id": user.workspace.workspace_id}
        ask(supabase_client(user).table(table).insert([row | own for row in rows]).execute)
