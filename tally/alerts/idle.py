"""Keys and connections without use, and agents and environments whose calls all fail.

Each is one event, which lasts until it is no longer so; a workspace hears of a few at a time.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from tally.alerts.rules import Connection, Finding, Severity, Watched, about_person

IDLE_DAYS = 30
WINDOW_DAYS = 14  # of calls that fail
LEAST_CALLS = 5  # fewer may fail by chance
COSTLY = ("agent",)  # of no interest while their failures are free
MAX_NEW = 10  # in one evaluation; the next one goes on

KEYS = "select * from private.idle_keys(%s, %s, %s)"
CONNECTIONS = "select * from private.idle_connections(%s, %s, %s)"
FAILED = "select * from private.failing_values(%s, %s, %s, %s)"
OPEN = """
select e.id, e.subject from public.alert_events as e
where e.workspace_id = %s and e.kind = 'idle' and e.state = 'open' and e.cleared_at is null"""


class Idle(NamedTuple):
    """The findings that are new, and the ids of the events that are over."""

    new: list[Finding]
    over: list[UUID]


def find_idle(connection: Connection, watched: Watched, now: datetime) -> Idle:
    """Compare what is so now with the events that are open."""
    known = {subject: event for event, subject in connection.execute(OPEN, [watched.id]).fetchall()}
    found = {finding.subject: finding for finding in list_idle(connection, watched, now)}
    new = [finding for subject, finding in found.items() if subject not in known]
    return Idle(new[:MAX_NEW], [event for subject, event in known.items() if subject not in found])


def list_idle(connection: Connection, watched: Watched, now: datetime) -> Iterator[Finding]:
    """Everything that is idle or fails."""
    yield from _list_keys(connection, watched, now)
    yield from _list_connections(connection, watched, now)
    yield from _list_failing(connection, watched, now)


def _list_keys(connection: Connection, watched: Watched, now: datetime) -> Iterator[Finding]:
    rows = connection.execute(KEYS, [watched.id, now, IDLE_DAYS]).fetchall()
    for key, name, user_id, since, was_used in sorted(rows, key=lambda row: row[3]):
        facts = {
            "name": name,
            "since": since.astimezone(ZoneInfo("UTC")).date().isoformat(),
            "days": (now - since).days,
            "was_used": was_used,
            "link": "keys",
            **about_person(watched, user_id),
        }
        yield _make(watched, "key", str(key), facts, "info")


def _list_connections(connection: Connection, watched: Watched, now: datetime) -> Iterator[Finding]:
    rows = connection.execute(CONNECTIONS, [watched.id, now, IDLE_DAYS]).fetchall()
    for key, name, provider, since, had_records, problem in sorted(rows, key=lambda row: row[3]):
        facts = {
            "name": name,
            "provider": provider,
            "since": since.astimezone(ZoneInfo("UTC")).date().isoformat(),
            "days": (now - since).days,
            "was_used": had_records,
            "problem": problem and problem[:300],
            "link": "connections",
        }
        yield _make(watched, "connection", str(key), facts, "warning")


def _list_failing(connection: Connection, watched: Watched, now: datetime) -> Iterator[Finding]:
    rows = connection.execute(FAILED, [watched.id, now, WINDOW_DAYS, LEAST_CALLS]).fetchall()
    dearest = sorted(rows, key=lambda row: (-row[3], -row[2], row[0], row[1]))
    for dimension, value, calls, cost, user_id, project_id in dearest:
        if dimension in COSTLY and cost <= 0:
            continue
        facts = {
            "name": value,
            "calls": calls,
            "days": WINDOW_DAYS,
            "amount": str(cost) if cost > 0 else None,
            "currency": "USD",
            "link": "traces",
            "project_id": project_id and str(project_id),
            **(about_person(watched, user_id) if user_id else {}),
        }
        yield _make(watched, dimension, value, facts, "warning")


def _make(watched: Watched, what: str, key: str, facts: dict[str, object], severity: Severity) -> Finding:
    return Finding("idle", f"{what}:{key}"[:300], watched.today, severity, {"finding": what, **facts})
