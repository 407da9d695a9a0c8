"""Deliveries that are due: claimed so that no other sender has them, one of each channel at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import psycopg
from psycopg.rows import class_row

from tally.notifications.due import MAY_LEAVE
from tally.notifications.holding import Hours
from tally.notifications.senders import FOR_PROGRAMS
from tally.notifications.targets import Owner, SealedTarget

Connection = psycopg.Connection[Any]

LEASE = "5 minutes"  # longer than any attempt takes
PER_WORKSPACE = 2  # at once, so that a workspace with many channels delays no other

# The oldest of each channel that is not busy.
CLAIM = f"""
with due as (
    select distinct on (d.channel_id) d.id, d.workspace_id, d.next_attempt_at
    from public.deliveries as d
    inner join public.channels as c on c.id = d.channel_id
    where d.state = 'waiting' and d.next_attempt_at <= now() and coalesce(d.leased_until, '-infinity') < now()
        and (c.kind <> 'email' or %(with_email)s)
        and {MAY_LEAVE}
    order by d.channel_id, d.next_attempt_at, d.created_at, d.id
), ranked as (
    select d.id, d.next_attempt_at, l.leased + row_number() over (
        partition by d.workspace_id order by d.next_attempt_at
    ) as turn
    from due as d
    cross join lateral (
        select count(*) as leased
        from public.deliveries as o
        where o.workspace_id = d.workspace_id and o.state = 'waiting' and o.leased_until > now()
    ) as l
), chosen as (
    select r.id from ranked as r where r.turn <= %(per_workspace)s
    order by r.turn, r.next_attempt_at limit %(at_most)s
), locked as (
    select d.id
    from public.deliveries as d
    where d.id in (select c.id from chosen as c) and d.state = 'waiting' and d.next_attempt_at <= now()
        and coalesce(d.leased_until, '-infinity') < now()
    for update skip locked
)
update public.deliveries as d
set leased_until = now() + %(lease)s::interval
from locked as l
where d.id = l.id
returning d.id"""  # noqa: S608 - constants only

DESCRIBE = """
select d.id, d.kind, d.day, d.attempts, d.expires_at, now() as now, d.created_at,
    d.workspace_id, w.name as workspace, w.timezone,
    c.id as channel_id, c.kind as channel_kind, c.name as channel, c.sealed_target, c.encryption_key_id,
    c.verified_by, c.must_agree, c.quiet_from, c.quiet_to, c.urgent_passes, c.digest,
    e.id as event_id, e.kind as event_kind, e.severity, e.facts, e.state as event_state, e.occurred_at
from public.deliveries as d
inner join public.workspaces as w on w.id = d.workspace_id
inner join public.channels as c on c.id = d.channel_id
left join public.alert_events as e on e.id = d.event_id
where d.id = any(%s)
order by d.created_at"""

PARTS = """
select e.id as event_id, e.kind as event_kind, e.severity, e.facts, e.state as event_state, e.occurred_at
from public.deliveries as d
inner join public.alert_events as e on e.id = d.event_id
where d.sent_in = %s
order by array_position(array['critical', 'warning', 'info'], e.severity), e.occurred_at"""


@dataclass(frozen=True, slots=True)
class Event:
    """An event as a message needs it."""

    event_id: UUID
    event_kind: str
    severity: str
    facts: Mapping[str, Any]
    event_state: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this sender has leased, with its channel and its event, if any."""

    id: UUID
    kind: str
    day: date | None
    attempts: int
    expires_at: datetime
    now: datetime
    created_at: datetime
    workspace_id: UUID
    workspace: str
    timezone: str
    channel_id: UUID
    channel_kind: str
    channel: str
    sealed_target: str
    encryption_key_id: str
    verified_by: str | None
    must_agree: bool
    quiet_from: time | None
    quiet_to: time | None
    urgent_passes: bool
    digest: str
    event_id: UUID | None
    event_kind: str | None
    severity: str | None
    facts: Mapping[str, Any] | None
    event_state: str | None
    occurred_at: datetime | None

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's zone; UTC in place of one that only the database knows."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ZoneInfo("UTC")

    @property
    def owner(self) -> Owner:
        """The channel that the target belongs to."""
        return Owner(self.workspace_id, self.channel_id, self.channel_kind)

    @property
    def sealed(self) -> SealedTarget:
        """The encrypted target."""
        return SealedTarget(self.sealed_target, self.encryption_key_id)

    @property
    def event(self) -> Event | None:
        """The event, of a delivery that is about one."""
        if self.event_id is None or self.event_kind is None or self.severity is None:
            return None
        moment = self.occurred_at or self.created_at
        return Event(
            self.event_id, self.event_kind, self.severity, self.facts or {}, self.event_state or "", moment
        )

    @property
    def held_until(self) -> datetime | None:
        """The instant until which it waits by the channel's wishes; None if it may be sent."""
        if self.event_id is None:
            return None
        is_daily = self.digest == "daily" and self.channel_kind not in FOR_PROGRAMS
        hours = Hours(self.zone, self.quiet_from, self.quiet_to, self.urgent_passes, is_daily)
        return hours.hold_until(self.now, self.severity or "info")


def claim(connection: Connection, at_most: int, with_email: bool = True) -> list[Claim]:
    """Claim deliveries that are due and may be sent now; those that have to wait are held."""
    values = {
        "per_workspace": PER_WORKSPACE,
        "at_most": at_most,
        "lease": LEASE,
        "with_email": with_email,
    }
    while claims := _claim(connection, values):
        if may_leave := [one for one in claims if one.held_until is None]:
            return may_leave
    return []


def _claim(connection: Connection, values: Mapping[str, Any]) -> list[Claim]:
    with connection.transaction():
        claims = _describe(connection, [found for (found,) in connection.execute(CLAIM, values)])
        for one in claims:
            if one.held_until is not None:
                _hold(connection, one.id, one.held_until)
    return claims


def load_parts(connection: Connection, digest: UUID) -> list[Event]:
    """The events that a digest is about, the gravest first."""
    with connection.cursor(row_factory=class_row(Event)) as cursor:
        return cursor.execute(PARTS, [digest]).fetchall()


def _describe(connection: Connection, ids: list[UUID]) -> list[Claim]:
    with connection.cursor(row_factory=class_row(Claim)) as cursor:
        return cursor.execute(DESCRIBE, [ids]).fetchall() if ids else []


def _hold(connection: Connection, delivery: UUID, until: datetime) -> None:
    connection.execute(
        """update public.deliveries
        set state = 'held', next_attempt_at = %(until)s, leased_until = null,
            expires_at = %(until)s + interval '24 hours'
        where id = %(id)s""",
        {"until": until, "id": delivery},
    )
