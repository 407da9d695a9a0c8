"""Evaluation of the rules: each workspace by itself, each cause once, history recorded but not sent."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from tally.alerts.anomalies import LOOK_BACK_DAYS, find_anomalies, find_new_models
from tally.alerts.bills import find_bills
from tally.alerts.credits import find_credits
from tally.alerts.idle import find_idle
from tally.alerts.prices import find_price_changes
from tally.alerts.renewals import find_renewals
from tally.alerts.retirements import find_retirements
from tally.alerts.rules import Connection, Finding, Kind, Watched, read_rules
from tally.alerts.silence import find_over, find_silent_sources
from tally.core.text import printable

STATEMENT_SECONDS = 60  # about one workspace; a usual one takes less than one
MODELS_SECONDS = 600  # about the models of all workspaces
MAX_OPEN = 10  # of one kind in one evaluation of a workspace; the rest is recorded


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of event, how it is found, and the rows without which there is nothing to find."""

    kind: Kind
    find: Callable[[Connection, Watched], list[Finding]]
    needs: str


RULES = (
    Rule("anomaly", find_anomalies, "anomalies"),
    Rule("new_model", find_new_models, "anomalies"),
    Rule("silent_source", find_silent_sources, "sources"),
    Rule("renewal", find_renewals, "subscriptions"),
)
# Once a night: they read a month of statements, and all usage since the first purchase.
NIGHTLY = (Rule("bill", find_bills, "sources"), Rule("credits", find_credits, "credits"))
IDLE = "use"  # the rows without which nothing can be idle; looked for once a night, too

FindInAll = Callable[[Connection, Mapping[UUID, Watched], datetime], Mapping[UUID, list[Finding]]]
# Once a night, by the models of all workspaces.
OF_ALL: dict[Kind, FindInAll] = {"price": find_price_changes, "retirement": find_retirements}

# With the names of what they have: most workspaces have little to look at, and a night has many of them.
WORKSPACES = """
select
    w.id, (%(now)s at time zone w.timezone)::date, w.personal_user_id is null, w.alert_rules,
    array_remove(array[
        case when exists (
            select from public.anomalies as a
            where a.workspace_id = w.id and a.day >= %(now)s::date - %(look_back)s::integer
        ) then 'anomalies' end,
        case when exists (select from public.imports as i where i.workspace_id = w.id) then 'sources' end,
        case when exists (select from public.subscriptions as s where s.workspace_id = w.id)
            then 'subscriptions' end,
        case when exists (select from public.invoices as i where i.workspace_id = w.id and i.kind = 'credits')
            then 'credits' end,
        case when
            exists (select from public.imports as i where i.workspace_id = w.id)
            or exists (select from public.api_keys as k where k.workspace_id = w.id)
            or exists (select from public.api_credentials as c where c.workspace_id = w.id)
            or exists (
                select from public.alert_events as e
                where e.workspace_id = w.id and e.kind = 'idle' and e.cleared_at is null
            )
        then 'use' end
    ], null)
from public.workspaces as w
where %(wanted)s::uuid[] is null or w.id = any(%(wanted)s)
order by w.id"""
RAISE = "select private.raise_event(%s, %s, %s, null, %s, %s, %s, null, %s)"
CLEAR = "select private.clear_event(%s)"


@dataclass(slots=True)
class Evaluated:
    """The counts of an evaluation, and the workspaces in which a rule failed, each with the reason."""

    raised: int = 0
    late: int = 0
    cleared: int = 0
    failed: dict[UUID, str] = field(default_factory=dict)


def evaluate_rules(
    connection: Connection, workspace_ids: Sequence[UUID] | None = None, now: datetime | None = None
) -> Evaluated:
    """Raise what the rules find in all workspaces, or in some after changes: only what a change can bring.

    The connection is the job's, in autocommit mode.
    """
    evaluation = _Evaluation(connection)
    moment = now or datetime.now(UTC)
    wanted = None if workspace_ids is None else list(workspace_ids)
    keys = {"now": moment, "wanted": wanted, "look_back": LOOK_BACK_DAYS + 1}
    rules = RULES if wanted is not None else (*RULES, *NIGHTLY)
    workspaces = {}
    for key, today, is_shared, stored, has in connection.execute(WORKSPACES, keys).fetchall():
        workspaces[key] = Watched(key, today, is_shared, read_rules(stored))
        evaluation.watch(workspaces[key], [rule for rule in rules if rule.needs in has])
        if wanted is None and IDLE in has:
            evaluation.watch_use(workspaces[key], moment)
    if wanted is None:
        for kind, find in OF_ALL.items():
            evaluation.watch_all(kind, find, workspaces, moment)
    return evaluation.done


class _Evaluation:
    """One evaluation of many workspaces."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.done = Evaluated()

    def watch(self, watched: Watched, rules: Sequence[Rule]) -> None:
        """Apply each rule in a transaction of its own."""
        for rule in rules:
            if watched.rules.wants(rule.kind):
                self._attempt(watched.id, partial(self._raise_found, watched, rule))
        if any(rule.kind == "silent_source" for rule in rules):
            self._attempt(watched.id, partial(self._clear_over, watched))

    def watch_use(self, watched: Watched, now: datetime) -> None:
        """Raise what became idle, and clear what is idle no longer."""
        self._attempt(watched.id, partial(self._compare_use, watched, now))

    def _compare_use(self, watched: Watched, now: datetime) -> None:
        found = find_idle(self.connection, watched, now)
        if watched.rules.wants("idle"):
            self._raise(watched, found.new)
        for event in found.over:
            self.connection.execute(CLEAR, [event])
            self.done.cleared += 1

    def watch_all(
        self, kind: Kind, find: FindInAll, workspaces: Mapping[UUID, Watched], now: datetime
    ) -> None:
        """Look at the models of all workspaces at once; a failure leaves what is known as it was."""
        try:
            with bounded(self.connection, MODELS_SECONDS):
                for key, found in find(self.connection, workspaces, now).items():
                    watched = workspaces.get(key)
                    if watched and watched.rules.wants(kind):
                        self._attempt(key, partial(self._raise, watched, found))
        except Exception as error:
            if self.connection.closed:
                raise
            reason = printable(f"{type(error).__name__}: {error}")
            logging.getLogger(__name__).warning("Alerts of %s could not be found: %s", kind, reason)

    def _raise_found(self, watched: Watched, rule: Rule) -> None:
        self._raise(watched, rule.find(self.connection, watched))

    def _raise(self, watched: Watched, found: Sequence[Finding]) -> None:
        opened = 0
        for finding in found:
            state = "late" if finding.is_late or opened >= MAX_OPEN else "open"
            facts = {name: value for name, value in finding.facts.items() if value is not None}
            values = [
                watched.id, finding.kind, finding.subject[:300], finding.period_start, finding.severity,
                json.dumps(facts), state,
            ]  # fmt: skip
            [(event,)] = self.connection.execute(RAISE, values).fetchall()
            if event is not None:
                opened += state == "open"
                self.done.raised += state == "open"
                self.done.late += state == "late"

    def _clear_over(self, watched: Watched) -> None:
        for event in find_over(self.connection, watched):
            self.connection.execute(CLEAR, [event])
            self.done.cleared += 1

    def _attempt(self, workspace_id: UUID, action: Callable[[], None]) -> None:
        """Do something in a transaction, or a savepoint; what fails is noted and stops nothing else."""
        try:
            with bounded(self.connection):
                action()
        except Exception as error:
            if self.connection.closed:
                raise
            self.done.failed[workspace_id] = printable(f"{type(error).__name__}: {error}".splitlines()[0])


@contextmanager
def bounded(connection: psycopg.Connection[Any], seconds: int = STATEMENT_SECONDS) -> Iterator[None]:
    """A transaction, or a savepoint, whose statements end in time."""
    with connection.transaction():
        connection.execute("select set_config('statement_timeout', %s, true)", [f"{seconds}s"])
        yield
