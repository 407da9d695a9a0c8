"""Alerts of models that fail or are slow: one event until the model does well again."""

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import NAMESPACE_OID, UUID, uuid5

from tally.alerts.evaluation import MAX_OPEN, Evaluated, bounded
from tally.alerts.model_limits import MODEL_KINDS, Health, ModelLimit, find_limit, judge, read_limits
from tally.alerts.rules import Connection
from tally.core.text import printable

DAY = 1440  # minutes

WORKSPACES = """
select w.id, (%(now)s at time zone w.timezone)::date, w.model_limits
from public.workspaces as w
where
    w.model_limits <> '[]'
    or exists (
        select from public.alert_events as e
        where e.workspace_id = w.id and e.kind = any(%(kinds)s) and e.cleared_at is null
    )
order by w.id"""
# Two evaluations at once would both miss the other's event.
LOCK = "select pg_advisory_xact_lock(hashtextextended('tally.model_alerts.' || %s::text, 0))"
HEALTH = "select * from private.model_health(%s, %s, %s)"
# With those that ended lately.
EVENTS = """
select
    e.id, e.kind, e.facts ->> 'provider_key', e.facts ->> 'model', (e.facts ->> 'minutes')::integer,
    e.cleared_at
from public.alert_events as e
where
    e.workspace_id = %(workspace)s and e.kind = any(%(kinds)s)
    and (e.cleared_at is null or e.cleared_at > %(now)s - interval '1 day')"""
RAISE = "select private.raise_event(%s, %s, %s, %s, %s, 'warning', %s, null, %s)"
CLEAR = "select private.clear_event(%s)"


class Matter(NamedTuple):
    """A model with a kind of limit and its window: what there is one open event of."""

    kind: str
    provider: str
    model: str
    minutes: int

    @property
    def subject(self) -> str:
        """The subject of its events."""
        return f"{self.minutes}:{self.provider}:{self.model}"[:300]


def evaluate_models(connection: Connection, now: datetime | None = None) -> Evaluated:
    """Raise and clear events of models in all workspaces with limits.

    The connection is the job's, in autocommit mode.
    """
    done, moment = Evaluated(), now or datetime.now(UTC)
    found = connection.execute(WORKSPACES, {"now": moment, "kinds": list(MODEL_KINDS)}).fetchall()
    for workspace, today, stored in found:
        try:
            with bounded(connection):
                _Evaluation(connection, workspace, read_limits(stored), moment).run(today, done)
        except Exception as error:
            if connection.closed:
                raise
            done.failed[workspace] = printable(f"{type(error).__name__}: {error}".splitlines()[0])
            logging.getLogger(__name__).warning(
                "Models of workspace %s could not be judged: %s", workspace, done.failed[workspace]
            )
    return done


class _Evaluation:
    """One workspace at one moment."""

    def __init__(
        self, connection: Connection, workspace: UUID, limits: Sequence[ModelLimit], moment: datetime
    ) -> None:
        self.connection, self.workspace, self.limits, self.moment = connection, workspace, limits, moment
        self.windows: dict[int, dict[tuple[str, str], Health]] = {}

    def run(self, today: date, done: Evaluated) -> None:
        """Raise what is over its limit and has no event, and clear what is no longer."""
        self.connection.execute(LOCK, [self.workspace])
        ongoing, ended = self._load_events()
        for matter, event in ongoing.items():
            if self._is_over(matter):
                self.connection.execute(CLEAR, [event])
                done.cleared += 1
        raised = 0
        for matter, limit, health in self._list_crossings():
            if matter in ongoing or self._rests(matter, ended):
                continue
            state = "open" if raised < MAX_OPEN else "late"
            if self._raise(matter, (limit, health), today, state):
                raised += 1
                done.raised += state == "open"
                done.late += state == "late"

    def _load_events(self) -> tuple[dict[Matter, UUID], dict[Matter, datetime]]:
        """Ongoing events, and when others ended lately."""
        keys = {"workspace": self.workspace, "kinds": list(MODEL_KINDS), "now": self.moment}
        ongoing: dict[Matter, UUID] = {}
        ended: dict[Matter, datetime] = {}
        for event, kind, provider, model, minutes, cleared_at in self.connection.execute(EVENTS, keys):
            matter = Matter(kind, provider, model, minutes)
            if cleared_at is None:
                ongoing[matter] = event
            else:
                ended[matter] = max(cleared_at, ended.get(matter, cleared_at))
        return ongoing, ended

    def _list_crossings(self) -> Iterator[tuple[Matter, ModelLimit, Health]]:
        for minutes, kind in dict.fromkeys((limit.minutes, limit.kind) for limit in self.limits):
            for health in self._look(minutes).values():
                limit = find_limit(self.limits, kind, health.model, minutes)
                if limit and judge(limit, health) == "over":
                    yield Matter(kind, health.provider, health.model, minutes), limit, health

    def _is_over(self, matter: Matter) -> bool:
        """True for an event whose model does well, is hardly used any more, or has no limit."""
        limit = find_limit(self.limits, matter.kind, matter.model, matter.minutes)
        if limit is None:
            return True
        verdict = judge(limit, self._look(matter.minutes).get((matter.provider, matter.model)))
        if verdict == "unknown":  # silence is no recovery, unless it lasts
            whole_day = self._look(DAY).get((matter.provider, matter.model))
            return whole_day is None or whole_day.count_for(limit.kind) < limit.requests
        return verdict == "under"

    def _rests(self, matter: Matter, ended: dict[Matter, datetime]) -> bool:
        """True within one window after the last event: the same requests would raise it again."""
        at = ended.get(matter)
        return at is not None and self.moment < at + timedelta(minutes=matter.minutes)

    def _look(self, minutes: int) -> dict[tuple[str, str], Health]:
        if minutes not in self.windows:
            rows = self.connection.execute(HEALTH, [self.workspace, minutes, self.moment]).fetchall()
            found = (Health(*row) for row in rows)
            self.windows[minutes] = {(each.provider, each.model): each for each in found}
        return self.windows[minutes]

    def _raise(self, matter: Matter, crossed: tuple[ModelLimit, Health], today: date, state: str) -> bool:
        """Raise an event; False if the same one was there."""
        limit, health = crossed
        since = self.moment.replace(second=0, microsecond=0)
        cause = uuid5(NAMESPACE_OID, f"{matter.subject} {since.isoformat()}")  # it may happen again today
        facts: dict[str, Any] = {
            "model": health.model,
            "provider": health.provider_title,
            "provider_key": health.provider,
            "minutes": limit.minutes,
            "limit": str(limit.limit.normalize()),
            "value": str(round(health.value_for(limit.kind) or 0, 2)),
            "requests": health.count_for(limit.kind),
        }
        if limit.kind == "error_rate":
            facts["failed"] = health.failed
        link = f"models?period=24H&compare={quote(health.model, safe='')}"
        if len(link) <= 300:
            facts["link"] = link
        values = [self.workspace, matter.kind, matter.subject, cause, today, json.dumps(facts), state]
        [(event,)] = self.connection.execute(RAISE, values).fetchall()
        return event is not None
