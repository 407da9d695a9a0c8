"""Channels of alerts, events, and the outcome of each message."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from app.auth.identity import User, supabase_client
from app.data.reading import API_ROWS, cached, call, data_version, fetch_rows, forget_version, select
from app.figures.channels import AlertEvent, Attempt, Channel, Delivery
from tally.storage.postgrest import ask

EVENTS_SHOWN, FINDINGS_SHOWN = 100, 20
EVENT_COLUMNS = "id,kind,severity,state,facts,occurred_at"
CHANNEL_COLUMNS = (
    "id,kind,name,hint,quiet_from,quiet_to,urgent_passes,digest,sends_days_from,paused_at,verified_at,disabled_reason,"
    "last_problem"
)
DELIVERY_COLUMNS = "id,event_id,channel_name,kind,state,attempts,next_attempt_at,problem"


def load_channels(user: User) -> list[Channel]:
    """The workspace's channels, in the order in which they were added."""
    return _channels(user, data_version(user))


@cached
def _channels(user: User, version: str) -> list[Channel]:  # noqa: ARG001
    query = select(user, "channels", CHANNEL_COLUMNS).order("created_at").limit(API_ROWS)
    return [_parse_channel(row) for row in fetch_rows(query)]


def load_events(user: User) -> list[AlertEvent]:
    """The newest events that the user may see."""
    return _events(user, data_version(user))


@cached
def _events(user: User, version: str) -> list[AlertEvent]:  # noqa: ARG001
    query = select(user, "alert_events", EVENT_COLUMNS)
    return _parse_events(fetch_rows(query.order("occurred_at", desc=True).limit(EVENTS_SHOWN)))


def load_findings(user: User) -> list[AlertEvent]:
    """The open findings that the user may see, newest first."""
    return _findings(user, data_version(user))


@cached
def _findings(user: User, version: str) -> list[AlertEvent]:  # noqa: ARG001
    query = select(user, "alert_events", EVENT_COLUMNS).eq("kind", "idle").eq("state", "open")
    rows = fetch_rows(query.order("occurred_at", desc=True).order("subject").limit(FINDINGS_SHOWN))
    return _parse_events(rows)


def _parse_events(rows: Sequence[dict[str, Any]]) -> list[AlertEvent]:
    return [
        AlertEvent(
            row["id"],
            row["kind"],
            row["severity"],
            row["state"],
            row["facts"],
            datetime.fromisoformat(row["occurred_at"]),
        )
        for row in rows
    ]


def load_deliveries(user: User, events: Sequence[AlertEvent]) -> list[Delivery]:
    """The messages about these events; only admins see any."""
    return _deliveries(user, [event.event_id for event in events], data_version(user))


@cached
def _deliveries(user: User, events: list[str], version: str) -> list[Delivery]:  # noqa: ARG001
    query = select(user, "deliveries", DELIVERY_COLUMNS).in_("event_id", events)
    return [parse_delivery(row) for row in fetch_rows(query.order("created_at").limit(API_ROWS))]


def load_delivery(user: User, delivery_id: str) -> Delivery | None:
    """A message as it is now."""
    rows = fetch_rows(select(user, "deliveries", DELIVERY_COLUMNS).eq("id", delivery_id))
    return parse_delivery(rows[0]) if rows else None


def load_attempts(user: User, deliveries: Sequence[Delivery]) -> list[Attempt]:
    """Every attempt of these messages, the oldest first."""
    ids = [delivery.delivery_id for delivery in deliveries]
    query = select(user, "delivery_attempts", "delivery_id,number,at,problem").in_("delivery_id", ids)
    return [
        Attempt(row["delivery_id"], row["number"], datetime.fromisoformat(row["at"]), row["problem"])
        for row in fetch_rows(query.order("at").order("number").limit(API_ROWS))
    ]


def save_channel(user: User, channel_id: str, details: dict[str, Any]) -> str | None:
    """Add or change a channel; returns the id of the message that verifies a new target."""
    enqueued = call(user, "save_channel", channel=channel_id, details=details)
    forget_version(user)
    return enqueued and str(enqueued)


def send_test(user: User, channel_id: str) -> str:
    """Send a test message; returns its id."""
    return str(_change(user, "test_channel", channel=channel_id))


def pause_channel(user: User, channel_id: str, is_paused: bool) -> None:
    """Pause a channel, or resume it."""
    _change(user, "pause_channel", channel=channel_id, is_paused=is_paused)


def remove_channel(user: User, channel_id: str) -> None:
    """Remove a channel; the history stays."""
    _change(user, "remove_channel", channel=channel_id)


def _change(user: User, function: str, **params: Any) -> Any:
    """Call a function that is told by an id what it is about."""
    answer = ask(supabase_client(user).rpc(function, params).execute).data
    forget_version(user)
    return answer


def _parse_channel(row: dict[str, Any]) -> Channel:
    begin, end = row["quiet_from"], row["quiet_to"]
    return Channel(
        channel_id=row["id"],
        kind=row["kind"],
        name=row["name"],
        hint=row["hint"],
        quiet=(time.fromisoformat(begin), time.fromisoformat(end)) if begin and end else None,
        urgent_passes=row["urgent_passes"],
        is_daily=row["digest"] == "daily",
        sends_days=row["sends_days_from"] is not None,
        is_paused=row["paused_at"] is not None,
        is_verified=row["verified_at"] is not None,
        disabled_reason=row["disabled_reason"],
        last_problem=row["last_problem"],
    )


def parse_delivery(row: dict[str, Any]) -> Delivery:
    """A message from its row, with DELIVERY_COLUMNS."""
    return Delivery(
        delivery_id=row["id"],
        event_id=row["event_id"],
        channel=row["channel_name"],
        kind=row["kind"],
        state=row["state"],
        attempts=row["attempts"],
        next_attempt_at=datetime.fromisoformat(row["next_attempt_at"]),
        problem=row["problem"],
    )
