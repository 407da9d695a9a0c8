"""The message of a delivery."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tally.core.text import plural
from tally.notifications.claims import Claim, Event
from tally.notifications.facts import Facts
from tally.notifications.links import page_link
from tally.notifications.messages import Message
from tally.notifications.texts import PAGES, describe_event
from tally.notifications.wording import clean, format_instant

SEVERITIES = ("info", "warning", "critical")
TEST = ("Tally reaches this channel", ("This is a test: alerts of the workspace will come like this.",))


def compose(claim: Claim, parts: Sequence[Event], origin: str) -> Message:
    """The message of a delivery; a digest is about several events."""
    if claim.event is not None:
        return _about_event(claim, claim.event, origin, is_cleared=claim.kind == "clear")
    if claim.kind == "digest":
        return _about_several(claim, parts, origin)
    return _message(claim, "test", "info", *TEST, claim.now)


def compose_day(claim: Claim, figures: Mapping[str, Any]) -> Message:
    """The message with the costs of a day, for a webhook."""
    return replace(_message(claim, "day", "info", "Costs of a day", (), claim.now), figures=figures)


def _about_event(claim: Claim, event: Event, origin: str, *, is_cleared: bool) -> Message:
    facts = Facts(event.facts, claim.zone)
    told = describe_event(event.event_kind, facts, is_cleared)
    path = facts.path() or PAGES[event.event_kind]
    return Message(
        delivery_id=str(claim.id),
        kind=claim.kind,
        about=event.event_kind,
        severity=event.severity,
        title=told.title,
        sentences=told.sentences,
        as_of=facts.instant("as_of") or format_instant(event.occurred_at, claim.zone),
        workspace=clean(claim.workspace),
        occurred_at=event.occurred_at,
        key=str(event.event_id),
        link=page_link(origin, path, claim.workspace_id),
        facts=event.facts,
    )


def _about_several(claim: Claim, events: Sequence[Event], origin: str) -> Message:
    parts = tuple(
        _about_event(claim, event, "", is_cleared=event.event_state == "cleared") for event in events
    )
    severity = max((part.severity for part in parts), key=SEVERITIES.index, default="info")
    title = f"{plural(len(parts), 'alert')} of {clean(claim.workspace)}"
    link = page_link(origin, "settings", claim.workspace_id)
    return _message(claim, "digest", severity, title, (), claim.now, link, parts)


def _message(  # noqa: PLR0913 - a message's parts
    claim: Claim,
    about: str,
    severity: str,
    title: str,
    sentences: tuple[str, ...],
    moment: datetime,
    link: str = "",
    parts: tuple[Message, ...] = (),
) -> Message:
    return Message(
        delivery_id=str(claim.id),
        kind=claim.kind,
        about=about,
        severity=severity,
        title=title,
        sentences=sentences,
        as_of=format_instant(moment, claim.zone),
        workspace=clean(claim.workspace),
        occurred_at=moment,
        link=link,
        parts=parts,
    )
