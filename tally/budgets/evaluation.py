"""Alerts about budgets: each threshold once a period, whoever evaluates it, and its end.

What is spent and predicted is read for all workspaces at once; what follows is stored workspace by workspace,
so that one failure stops no other. The unique key of the events decides between processes.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from tally.budgets.budget import BudgetFacts, Scope, read_facts
from tally.budgets.status import BudgetStatus, calculate_status, needs_rates
from tally.budgets.thresholds import Crossing, OpenEvent, find_crossings, is_over
from tally.catalog.providers import PROVIDERS
from tally.core.amounts import round_amount
from tally.currency.rates import Rates
from tally.currency.stored_rates import join_rates

Connection = psycopg.Connection[tuple[Any, ...]]

AT_ONCE = 500  # workspaces
STATEMENT_SECONDS = 30  # about some workspaces; a usual statement takes less than one

TENANTS = """
select t.workspace_id
from public.budget_thresholds as t
union
select e.workspace_id
from public.alert_events as e
where e.kind = 'budget' and e.cleared_at is null
order by 1"""

FACTS = """
select f.workspace_id, f.facts
from private.budget_facts(%(tenants)s, %(as_of)s, true, %(with_records)s, %(wanted)s) as f"""

OF_RECORDS = """
select b.workspace_id, array_agg(b.id)
from public.budgets as b
where
    b.workspace_id = any(%s) and private.is_of_records(b) and b.paused_at is null
    and exists (select from public.budget_thresholds as t where t.budget_id = b.id)
group by b.workspace_id"""

# Those of a period long past that were recorded only have nothing to clear.
EVENTS = """
select
    e.workspace_id, e.id::text, e.subject, e.threshold_id::text, e.period_start,
    (e.occurred_at at time zone w.timezone)::date, e.cleared_at is null and e.state <> 'late'
from public.alert_events as e
inner join public.workspaces as w on e.workspace_id = w.id
where
    e.workspace_id = any(%s) and e.kind = 'budget'
    and (e.cleared_at is null or e.period_start >= current_date - 740)"""

# Whoever changes a limit waits for the events of the one before, or they are not raised.
LOCK = "select from public.budgets where workspace_id = %s and id = any(%s::uuid[]) order by id for share"
RAISE = """
select private.raise_event(t.workspace_id, 'budget', t.budget_id::text, t.id, %s, %s, %s, %s::uuid[], %s)
from public.budget_thresholds as t
where t.workspace_id = %s and t.budget_id = %s and t.id = %s"""
CLEAR = "select private.clear_event(%s)"
RATES = "select day, currency, rate from public.exchange_rates"


@dataclass(slots=True)
class Evaluated:
    """Counts of an evaluation, and the workspaces in which it failed, with the reason for the operator."""

    budgets: int = 0
    raised: int = 0
    cleared: int = 0
    failed: dict[UUID, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Known:
    """The events of a workspace: those that are open, by budget, and all that there were."""

    open: list[tuple[str, OpenEvent]] = field(default_factory=list)
    seen: dict[str, list[tuple[str, date]]] = field(default_factory=lambda: defaultdict(list))


def evaluate(
    connection: Connection, workspace_ids: Sequence[UUID] | None = None, as_of: datetime | None = None
) -> Evaluated:
    """Raise and clear the events of all budgets, or of those of some workspaces, as of now.

    The connection is the job's and in autocommit mode.
    """
    evaluation = _Evaluation(connection, as_of or datetime.now(UTC))
    tenants = workspace_ids
    if tenants is None:
        tenants = [tenant for (tenant,) in connection.execute(TENANTS).fetchall()]
    for first in range(0, len(tenants), AT_ONCE):
        evaluation.evaluate_some(list(tenants[first : first + AT_ONCE]))
    return evaluation.done


class _Evaluation:
    """One evaluation of many workspaces."""

    def __init__(self, connection: Connection, as_of: datetime) -> None:
        self.connection = connection
        self.as_of = as_of
        self.done = Evaluated()
        self.rates: Rates | None = None

    def evaluate_some(self, tenants: list[UUID]) -> None:
        """Read what is known of these workspaces, and store what follows."""
        known = self._load_events(tenants)
        facts = self._load_facts(tenants)
        for tenant in tenants:
            if tenant not in self.done.failed:
                self._attempt(tenant, partial(self._evaluate, tenant, facts[tenant], known[tenant]))

    def _load_facts(self, tenants: list[UUID]) -> dict[UUID, list[BudgetFacts]]:
        found: dict[UUID, list[BudgetFacts]] = defaultdict(list)
        try:
            self._read_facts(tenants, None, found)
        except Exception:
            if self.connection.closed:
                raise
            found.clear()
            for tenant in tenants:  # one of them is to blame
                self._attempt(tenant, partial(self._read_facts, [tenant], None, found))
        for tenant, wanted in self.connection.execute(OF_RECORDS, [tenants]).fetchall():
            self._attempt(tenant, partial(self._read_facts, [tenant], wanted, found))
        return found

    def _read_facts(
        self, tenants: list[UUID], wanted: list[UUID] | None, found: dict[UUID, list[BudgetFacts]]
    ) -> None:
        keys = {"tenants": tenants, "as_of": self.as_of, "with_records": wanted is not None, "wanted": wanted}
        with _bounded(self.connection):
            for tenant, row in self.connection.execute(FACTS, keys):
                found[tenant].append(read_facts(row))

    def _load_events(self, tenants: list[UUID]) -> dict[UUID, _Known]:
        known: dict[UUID, _Known] = defaultdict(_Known)
        for tenant, event, budget, threshold, start, raised_on, is_open in self.connection.execute(
            EVENTS, [tenants]
        ):
            known[tenant].seen[budget].append((threshold, start))
            if is_open:
                known[tenant].open.append((budget, OpenEvent(event, threshold, start, raised_on)))
        return known

    def _evaluate(self, tenant: UUID, facts: Sequence[BudgetFacts], known: _Known) -> None:
        if needs_rates(facts) and self.rates is None:
            self.rates = join_rates(self.connection.execute(RATES).fetchall())
        statuses = {each.budget.id: calculate_status(each, self.rates) for each in facts}
        over = [event for budget, event in known.open if is_over(statuses.get(budget), event)]
        new = [
            (status, crossing)
            for status in statuses.values()
            for crossing in find_crossings(status, known.seen[status.budget.id])
        ]
        self.done.budgets += len(statuses)
        if over or new:
            with _bounded(self.connection):
                self._store(tenant, over, new)

    def _store(
        self, tenant: UUID, over: Iterable[OpenEvent], new: Sequence[tuple[BudgetStatus, Crossing]]
    ) -> None:
        self.connection.execute(LOCK, [tenant, [status.budget.id for status, _ in new]])
        for event in over:
            self.connection.execute(CLEAR, [event.id])
            self.done.cleared += 1
        for status, crossing in new:
            budget = status.budget
            values = [
                crossing.period.first,
                crossing.severity,
                json.dumps(describe_crossing(status, crossing, self.as_of)),
                list(budget.channels) or None,
                crossing.state,
                tenant,
                budget.id,
                crossing.threshold.id,
            ]
            row = self.connection.execute(RAISE, values).fetchone()  # none of a threshold that is gone
            self.done.raised += row is not None and row[0] is not None

    def _attempt(self, tenant: UUID, action: Callable[[], None]) -> None:
        """Do something about one workspace; its failure is noted, and what it changed undone."""
        try:
            action()
        except Exception as error:
            if self.connection.closed:
                raise
            reason = str(error).partition("\n")[0] or type(error).__name__
            self.done.failed[tenant] = reason
            logging.getLogger(__name__).warning("The budgets of %s were not evaluated: %s", tenant, reason)


@contextmanager
def _bounded(connection: Connection) -> Iterator[None]:
    with connection.transaction():
        connection.execute("select set_config('statement_timeout', %s, true)", [f"{STATEMENT_SECONDS}s"])
        yield


def describe_crossing(status: BudgetStatus, crossing: Crossing, as_of: datetime) -> Mapping[str, Any]:
    """The facts of an event, as tally/notifications/facts.py names them."""
    budget = status.budget
    is_current = crossing.period == status.period
    outlook = status.outlook if is_current else None
    facts: dict[str, Any] = {
        "budget": budget.name,
        "scope": describe_scope(budget.scope),
        "measure": budget.measure,
        "threshold": crossing.threshold.kind,
        "percent": crossing.threshold.percent,
        "amount": _text(status.limit),
        "currency": budget.currency,
        "spent": _text(crossing.spent),
        "period": budget.period_kind if is_current else None,  # of the one before, only its days are said
        "period_start": crossing.period.first.isoformat(),
        "period_end": crossing.period.last.isoformat(),
        "as_of": as_of.isoformat(timespec="seconds"),
        "project_id": budget.scope.project_id,
        "person_id": budget.scope.user_id,
        "link": f"budgets?budget={budget.id}",
    }
    if outlook:
        facts |= {
            "likely": _text(outlook.likely),
            "low": _text(outlook.at(0.1)),
            "high": _text(outlook.at(0.9)),
        }
        facts["chance"] = status.chance
    return {name: value for name, value in facts.items() if value is not None}


def describe_scope(scope: Scope) -> str | None:
    """The names of what a budget is about; None for everything."""
    names = (
        scope.project,
        scope.provider and PROVIDERS.get(scope.provider, scope.provider),
        scope.model_name,
        scope.person,
        scope.billing_account,
        scope.tag and f"#{scope.tag}",
        scope.agent,
        scope.environment,
        scope.customer,
    )
    return ", ".join(name for name in names if name) or None


def _text(amount: Decimal) -> str:
    return f"{round_amount(amount):f}"
