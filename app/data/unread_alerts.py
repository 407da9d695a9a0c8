"""Alerts about budgets that their reader has not seen, and the note of how far each workspace's are read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.auth.identity import User, database_of
from app.data.budgets import HIGHEST
from app.data.preferences import load_preference_metadata, load_preferences
from app.data.reading import cached, data_version, fetch_rows, forget_version, select

READ = "alerts_read"  # in the preferences' metadata: until when the alerts of each workspace are read
MOST_READ, MOST_NOTED = 30, 50


@dataclass(frozen=True, slots=True)
class UnreadAlert:
    """An open alert about a budget."""

    budget_id: str
    facts: dict[str, Any]
    occurred_at: str


def load_unread_alerts(user: User) -> list[UnreadAlert]:
    """The open alerts about budgets that are newer than those that were read, the highest newest first."""
    read_until = _read_until(load_preferences(user).metadata, user)
    alerts = _open_alerts(user, data_version(user))
    return [alert for alert in alerts if not read_until or _instant(alert.occurred_at) > read_until]


@cached
def _open_alerts(user: User, version: str) -> list[UnreadAlert]:  # noqa: ARG001
    query = select(user, "alert_events", "subject,facts,occurred_at").eq("kind", "budget").eq("state", "open")
    rows = fetch_rows(query.order("occurred_at", desc=True).order(HIGHEST, desc=True).limit(MOST_READ))
    return [UnreadAlert(row["subject"], row["facts"], row["occurred_at"]) for row in rows]


def note_read_alerts(user: User, alerts: Sequence[UnreadAlert]) -> None:
    """Note that these alerts and all before them are read."""
    metadata = load_preference_metadata(user)
    newest = max(alerts, key=lambda alert: _instant(alert.occurred_at)).occurred_at
    noted = _noted(metadata) | {user.workspace.workspace_id: newest}
    kept = sorted(noted, key=lambda workspace: str(noted[workspace]))[-MOST_NOTED:]
    metadata[READ] = {workspace: noted[workspace] for workspace in kept}
    database_of(user).update("user_preferences", user.user_id, {"metadata": metadata}, key="user_id")
    forget_version(user)


def _noted(metadata: dict[str, Any]) -> dict[str, Any]:
    noted = metadata.get(READ)
    return noted if isinstance(noted, dict) else {}


def _read_until(metadata: dict[str, Any], user: User) -> datetime | None:
    """Until when they are read; None where no instant is noted, as people may write what they want there."""
    try:
        noted = _instant(_noted(metadata).get(user.workspace.workspace_id, ""))
    except (TypeError, ValueError):
        return None
    return noted if noted.tzinfo else None


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
