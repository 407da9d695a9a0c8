"""Channels of alerts and what was sent to them, in words."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from app.formats.dates import format_instant
from tally.core.text import plural

KINDS = {
    "email": "Email",
    "slack": "Slack",
    "discord": "Discord",
    "teams": "Microsoft Teams",
    "pagerduty": "PagerDuty",
    "telegram": "Telegram",
    "ntfy": "ntfy",
    "webhook": "Webhook",
}
DELIVERIES = {"sent": "Delivered", "failed": "Not delivered", "held": "Waiting for their time"}
EVENTS = {
    "open": "Open",
    "cleared": "Over",
    "superseded": "Only recorded",
    "late": "Only recorded",
}
RECORDED_ONLY = {
    "superseded": "only recorded, as a higher threshold was crossed at once",
    "late": "only recorded, as its period is long over",
}
TOLD = {
    "sent": "sent to",
    "failed": "could not reach",
    "waiting": "on its way to",
    "held": "waits for quiet hours of",
}
SEVERITIES = {"info": "Info", "warning": "Warning", "critical": "Critical"}


@dataclass(frozen=True, slots=True)
class Channel:
    """A place that alerts go to, without its target."""

    channel_id: str
    kind: str
    name: str
    hint: str
    quiet: tuple[time, time] | None = None
    urgent_passes: bool = True
    is_daily: bool = False
    sends_days: bool = False
    is_paused: bool = False
    is_verified: bool = True
    disabled_reason: str | None = None
    last_problem: str | None = None

    @property
    def is_off(self) -> bool:
        """True where a person has to resume it."""
        return self.is_paused or self.disabled_reason is not None

    @property
    def is_active(self) -> bool:
        """True where it gets alerts."""
        return self.is_verified and not self.is_off


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to a channel."""

    delivery_id: str
    event_id: str | None
    channel: str
    kind: str
    state: str
    attempts: int
    next_attempt_at: datetime
    problem: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a delivery; without a problem the message was delivered."""

    delivery_id: str
    number: int
    at: datetime
    problem: str | None


@dataclass(frozen=True, slots=True)
class AlertEvent:
    """An event, with its facts."""

    event_id: str
    kind: str
    severity: str
    state: str
    facts: Mapping[str, Any]
    occurred_at: datetime


def describe_state(channel: Channel) -> str:
    """The state of a channel in a few words."""
    if channel.disabled_reason is not None:
        return "Switched off"
    if channel.is_paused:
        return "Paused"
    if not channel.is_verified:
        if channel.last_problem:
            return "Not reached"
        return "Waiting for the link" if channel.kind == "email" else "Being tested"
    return "Last message failed" if channel.last_problem else "Active"


def explain_state(channel: Channel) -> str:
    """The trouble with a channel, in a sentence; empty if there is none."""
    if channel.disabled_reason is not None:
        return f"Switched off after refusals. {channel.disabled_reason} Change it, then resume it."
    if channel.last_problem:
        return channel.last_problem
    if not channel.is_verified and channel.kind == "email":
        return "It gets alerts once its reader clicks the link in the email."
    return ""


def describe_wishes(channel: Channel) -> str:
    """The times at which messages are sent."""
    wishes = ["One digest a day at 08:00" if channel.is_daily else "At once"]
    if channel.quiet:
        begin, end = channel.quiet
        wishes.append(f"quiet {begin:%H:%M} to {end:%H:%M}")
        if not channel.urgent_passes:
            wishes.append("also for critical ones")
    if channel.sends_days:
        wishes.append("and the costs of each day")
    return ", ".join(wishes)


def describe_delivery(delivery: Delivery) -> str:
    """The state of a message."""
    if delivery.state == "waiting":
        return "Being sent" if delivery.attempts == 0 else "Trying again"
    return DELIVERIES[delivery.state]


def summarise_deliveries(deliveries: Sequence[Delivery]) -> str:
    """Counts of an event's messages by state, the troublesome first."""
    counts = Counter(describe_delivery(delivery) for delivery in deliveries if delivery.kind == "open")
    if not counts:
        return "No message"
    order = ["Not delivered", "Trying again", "Being sent", DELIVERIES["held"], "Delivered"]
    parts = [f"{counts[state]} {state.lower()}" for state in order if counts[state]]
    return ", ".join(parts)


def describe_failures(delivery: Delivery) -> str:
    """The attempts that failed and the last reason, without a full stop; empty where none did."""
    if delivery.state == "sent" or not delivery.problem:
        return ""
    tried = f"{plural(delivery.attempts, 'attempt')}, last: " if delivery.attempts else ""
    return tried + delivery.problem.strip().removesuffix(".")


def describe_deliveries(deliveries: Sequence[Delivery], zone: ZoneInfo) -> list[str]:
    """Channels by the state of their message, then each one that failed so far, with its reason."""
    notes, opening = [], [delivery for delivery in deliveries if delivery.kind == "open"]
    for state, words in TOLD.items():
        well = [one.channel for one in opening if one.state == state and not describe_failures(one)]
        notes += [f"{words} {', '.join(well)}"] if well else []
    for delivery in opening:
        if failures := describe_failures(delivery):
            notes.append(f"{_explain_trouble(delivery, zone)} ({failures})")
    return notes


def explain_delivery(delivery: Delivery, zone: ZoneInfo) -> str:
    """The message that is not delivered yet, or was given up, in a sentence; empty if it was delivered."""
    failures, when = describe_failures(delivery), format_instant(delivery.next_attempt_at, zone)
    reasons = f"{failures[:1].upper()}{failures[1:]}. " if failures else ""
    if delivery.state in ("waiting", "held"):
        return f"{delivery.channel}: {reasons}{'Next attempt n' if failures else 'n'}ot before {when}."
    return f"{delivery.channel}: {reasons}No further attempt." if delivery.state == "failed" else ""


def _explain_trouble(delivery: Delivery, zone: ZoneInfo) -> str:
    words = f"{TOLD[delivery.state]} {delivery.channel}"
    if delivery.state != "waiting":
        return words
    return f"tries {delivery.channel} again, not before {format_instant(delivery.next_attempt_at, zone)}"
