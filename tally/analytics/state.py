"""The lag of the analytics engine behind Postgres, for the operator. Ages are by Postgres' clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from tally.analytics.client import explaining
from tally.analytics.outbox import Connection
from tally.analytics.tables import TABLES
from tally.core.text import plural

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

STATE = """
select
    e.installation::text,
    extract(epoch from clock_timestamp() - e.shipped_at)::double precision,
    e.problem,
    extract(epoch from clock_timestamp() - e.problem_at)::double precision,
    (select count(*) from private.analytics_outbox),
    (select count(*) from private.analytics_tasks),
    greatest(extract(epoch from clock_timestamp() - least(
        (select o.noted_at from private.analytics_outbox as o order by o.id limit 1),
        (select min(t.noted_at) from private.analytics_tasks as t)
    )), 0)::double precision,
    (select count(*) from private.analytics_parked)
from private.analytics_engine as e"""
# Rows of a workspace by table, with what is due and what was set aside.
WORKSPACES = """
select
    w.id, w.name,
    (select count(*) from private.engine_records as r where r.workspace_id = w.id),
    (select count(*) from private.engine_superseded as r where r.workspace_id = w.id),
    (select count(*) from private.engine_traces as r where r.workspace_id = w.id),
    (select count(*) from private.analytics_outbox as o where o.workspace_id = w.id),
    (select count(*) from private.analytics_tasks as t where t.workspace_id = w.id),
    (select count(*) from private.analytics_parked as p where p.workspace_id = w.id)
from public.workspaces as w
order by 3 desc, w.id"""
REASONS = """
select p.reason, count(*), min(p.workspace_id::text)
from private.analytics_parked as p
group by p.reason
order by 2 desc
limit 10"""


@dataclass(frozen=True, slots=True)
class State:
    """Counts of all that is due; `seconds` is the age of the oldest change that the engine does not have."""

    installation: str
    shipped_seconds: float | None
    problem: str | None
    problem_seconds: float | None
    pending: int
    tasks: int
    seconds: float
    parked: int


@dataclass(frozen=True, slots=True)
class WorkspaceState:
    """Rows of a workspace on both sides: records, superseded statements, traces."""

    id: UUID
    name: str
    rows: tuple[int, int, int]
    engine_rows: tuple[int, int, int]
    pending: int
    tasks: int
    parked: int


def load_state(connection: Connection) -> State | None:
    """The state of shipping; None without an engine."""
    found = connection.execute(STATE).fetchone()
    return State(*found) if found else None


def load_workspaces(connection: Connection, client: Client) -> list[WorkspaceState]:
    """Every workspace, that with most records first; last, without a name, those of the engine alone."""
    counts = [_count_rows(client, table.name) for table in TABLES]
    found = []
    for tenant, name, records, superseded, traces, *due in connection.execute(WORKSPACES):
        in_engine = tuple(count.pop(tenant, 0) for count in counts)
        found.append(WorkspaceState(tenant, name, (records, superseded, traces), _three(in_engine), *due))
    unknown = sorted({tenant for count in counts for tenant in count})
    for tenant in unknown:
        in_engine = tuple(count.get(tenant, 0) for count in counts)
        found.append(WorkspaceState(tenant, "", (0, 0, 0), _three(in_engine), 0, 0, 0))
    return found


def load_reasons(connection: Connection) -> list[tuple[str, int, str]]:
    """Reasons for which keys were set aside, each with their number and a workspace."""
    return connection.execute(REASONS).fetchall()


def describe(state: State) -> str:
    """The state in a sentence."""
    if state.problem is not None:
        return f"{plural(state.pending, 'row')} waiting: {state.problem}"
    if not state.pending and not state.tasks:
        return "up to date" + (f", {plural(state.parked, 'row')} set aside" if state.parked else "")
    building = f" and {plural(state.tasks, 'month')}" if state.tasks else ""
    return f"{plural(state.pending, 'row')}{building} behind, the oldest by {state.seconds:.0f} s"


def _count_rows(client: Client, table: str) -> dict[UUID, int]:
    query = f"select workspace_id, count() from {table} final group by workspace_id"
    with explaining():
        return {row[0]: int(row[1]) for row in client.query(query).result_rows}


def _three(counts: tuple[int, ...]) -> tuple[int, int, int]:
    records, superseded, traces = counts
    return records, superseded, traces
