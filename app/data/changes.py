"""Changes that pages make directly, under the user's row-level security."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from app import data
from app.auth.identity import User, database_of, supabase_client
from tally.core.records import day_instant
from tally.storage.database import DatabaseError
from tally.storage.postgrest import ask


def save_first_timezone(user: User, timezone: str) -> None:
    """Save the browser's time zone for a user who never chose one, if the database knows it."""
    with suppress(DatabaseError):
        save_preferences(user, {"timezone": timezone})


def save_preferences(
    user: User, values: Mapping[str, object], noted: Mapping[str, object] | None = None
) -> None:
    """Change some of the user's own preferences, and note facts in their metadata."""
    # A chosen UTC must not be replaced by the browser's time zone.
    merged = data.load_preference_metadata(user) | {"timezone_set": True} | dict(noted or {})
    columns = {**values, "metadata": merged}
    database_of(user).update("user_preferences", user.user_id, columns, key="user_id")
    data.forget_version(user)


def post_due_renewals(user: User) -> None:
    """Post the subscription renewals that are due."""
    if database_of(user).call("post_due_renewals", workspace=user.workspace.workspace_id):
        data.forget_version(user)


@dataclass(frozen=True, slots=True)
class Entry:
    """The editable values of a manual entry."""

    day: date
    model_name: str
    cost_usd: Decimal
    request_count: int
    note: str


def update_record(user: User, record: dict[str, Any], entry: Entry, timezone: str) -> None:
    """Update a manual entry."""
    metadata = {name: value for name, value in record["metadata"].items() if name != "note"}
    values = {
        "timestamp": day_instant(entry.day, timezone).isoformat(),
        "day": entry.day.isoformat(),
        "model_name": entry.model_name,
        "cost_usd": format(entry.cost_usd, "f"),
        "request_count": entry.request_count,
        "metadata": metadata | ({"note": entry.note} if entry.note else {}),
    }
    client = supabase_client(user)
    ask(lambda: client.rpc("ensure_months", {"months": [entry.day.isoformat()]}).execute())
    ask(lambda: _select_entry(client.table("cost_records").update(values), record).execute())
    data.forget_version(user)


def delete_record(user: User, record: dict[str, Any]) -> None:
    """Delete a manual entry."""
    client = supabase_client(user)
    ask(lambda: _select_entry(client.table("cost_records").delete(), record).execute())
    data.forget_version(user)


def name_account(user: User, account: str, name: str) -> None:
    """Name a billing account for everybody in the workspace; an empty name takes the name away."""
    params = {"workspace": user.workspace.workspace_id, "account": account, "name": name}
    ask(supabase_client(user).rpc("name_billing_account", params).execute)
    data.forget_version(user)


def save_muted(user: User, anomaly_ids: Sequence[str], muted_at: datetime | None) -> None:
    """Mute anomalies, or show them again with None."""
    table = supabase_client(user).table("anomalies")
    values = {"muted_at": muted_at and muted_at.isoformat()}
    ask(lambda: table.update(values).in_("id", list(anomaly_ids)).execute())
    data.forget_version(user)


def _select_entry(query: Any, record: dict[str, Any]) -> Any:
    return (
        query.eq("id", record["id"])
        .eq("timestamp", record["timestamp"])
        .eq("collection_method", "manual_entry")
    )
