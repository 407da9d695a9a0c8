"""Nightly sync of all connections to providers' APIs, each with the permissions of the user who added it."""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any
from uuid import UUID

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import SYNC, Problems
from forecasting.nightly.workspaces import Workspace
from tally.connectors.connections import Connection as ApiConnection
from tally.connectors.connections import SyncReport, list_connections, report_sync
from tally.connectors.limits import INTERACTIVE
from tally.connectors.sync import SyncOptions, sync_connection
from tally.core.settings import load_settings
from tally.core.text import plural
from tally.secrets.key_ring import load_key_ring
from tally.storage.database import DatabaseError
from tally.storage.postgres import PostgresDatabase

MAX_SECONDS = 600.0  # of one workspace's connections in one run
MAX_ENTRIES = 500  # in the row of the whole run
MAX_ENTRY_ERROR = 300
WAITS = (
    "The last nightly run did not reach this connection: those of its workspace took longer than planned. "
    "The next run begins with it."
)

OWNERS = """
select distinct c.workspace_id, c.user_id
from public.api_credentials as c
where c.is_active
order by c.workspace_id, c.user_id"""


@dataclass(frozen=True, slots=True)
class SyncOutcome:
    """Result of syncing one connection; `error` says why some of its records may be missing."""

    workspace_id: UUID
    provider: str
    name: str
    added: int
    restated: int
    error: str | None

    @property
    def entry(self) -> dict[str, Any]:
        """Its entry in job_runs.steps."""
        return {
            "provider": self.provider,
            "name": self.name,
            "added": self.added,
            "restated": self.restated,
            "error": self.error,
        }

    @property
    def failure(self) -> str:
        """The error with the connection's name and workspace."""
        return f"{self.provider} “{self.name}” of {self.workspace_id}: {self.error}"


@dataclass(slots=True)
class Synced:
    """Outcomes of a run, and by workspace the number of connections that wait for the next one."""

    outcomes: list[SyncOutcome] = field(default_factory=list)
    left: dict[UUID, int] = field(default_factory=dict)

    def entries(self) -> list[dict[str, Any]]:
        """The entries of all workspaces, those with an error first, as many as one row can hold."""
        failed_first = sorted(self.outcomes, key=lambda outcome: outcome.error is None)
        return [
            outcome.entry
            | {
                "workspace_id": str(outcome.workspace_id),
                "error": outcome.error and outcome.error[:MAX_ENTRY_ERROR],
            }
            for outcome in failed_first[:MAX_ENTRIES]
        ]

    def step_of(self, workspace_id: UUID) -> dict[str, Any] | None:
        """A workspace's sync as an entry for job_runs.steps; None without connections that were due."""
        own = [outcome for outcome in self.outcomes if outcome.workspace_id == workspace_id]
        left = self.left.get(workspace_id, 0)
        if not own and not left:
            return None
        added = sum(outcome.added for outcome in own)
        step = {"step": "collect", "count": added, "connections": [outcome.entry for outcome in own]}
        return step | ({"left": left} if left else {})


@dataclass(slots=True)
class _Queue:
    """Due connections of one workspace, and the seconds that are left for them."""

    workspace: Workspace
    due: deque[tuple[PostgresDatabase, ApiConnection]] = field(default_factory=deque)
    seconds: float = MAX_SECONDS


def sync_connections(connection: Connection, workspaces: Sequence[Workspace], problems: Problems) -> Synced:
    """Sync every active connection that is due: the first of each workspace, then the second of each.

    A failure stops no other connection. Those that do not fit into a workspace's share of the time wait.
    """
    return _NightlySync(connection, problems).sync_all(workspaces)


class _NightlySync:
    """The sync of one run."""

    def __init__(self, connection: Connection, problems: Problems) -> None:
        self.connection, self.problems = connection, problems
        self.synced = Synced()
        self.silent: set[str] = set()  # providers that are down; their next connections get fewer retries

    def sync_all(self, workspaces: Sequence[Workspace]) -> Synced:
        """Sync in rounds."""
        queues = deque(self._load_queues(workspaces))
        while queues:
            queue = queues.popleft()
            if queue.seconds > 0:
                database, found = queue.due.popleft()
                self._sync(queue, database, found)
            else:
                self._leave(queue)
            if queue.due:
                queues.append(queue)
        return self.synced

    def _load_queues(self, workspaces: Sequence[Workspace]) -> list[_Queue]:
        now = datetime.now(UTC)
        queues = {workspace.id: _Queue(workspace, seconds=MAX_SECONDS) for workspace in workspaces}
        for workspace_id, user_id in self.connection.execute(OWNERS).fetchall():
            queue = queues.get(workspace_id)
            if queue is None:
                continue  # made since the run began
            database = PostgresDatabase(self.connection, user_id, workspace_id)
            listing = partial(_list_due, database, user_id, now)
            due = self.problems.attempt(queue.workspace, SYNC, listing, is_atomic=False)
            queue.due += [(database, found) for found in due or ()]
        for queue in queues.values():
            queue.due = deque(sorted(queue.due, key=lambda entry: _due_since(entry[1])))
        return [queue for queue in queues.values() if queue.due]

    def _sync(self, queue: _Queue, database: PostgresDatabase, found: ApiConnection) -> None:
        started = monotonic()
        limits = INTERACTIVE if found.provider in self.silent else None
        options = SyncOptions(limits=limits, stop_at=started + queue.seconds)
        sync = partial(sync_connection, database, lambda: load_key_ring(load_settings()), found, options)
        result = self.problems.attempt(queue.workspace, SYNC, sync, is_atomic=False)
        queue.seconds -= monotonic() - started
        if result is None:
            return
        (self.silent.add if result.was_unavailable else self.silent.discard)(found.provider)
        self.synced.outcomes.append(
            SyncOutcome(
                queue.workspace.id, found.provider, found.name, result.added, result.restated, result.error
            )
        )

    def _leave(self, queue: _Queue) -> None:
        """Leave a workspace's other connections to the next run, and say so at each."""
        self.synced.left[queue.workspace.id] = len(queue.due)
        for database, found in queue.due:
            report = SyncReport(error=WAITS, next_sync_at=found.next_sync_at)
            with suppress(DatabaseError):
                report_sync(database, found.connection_id, report)
        queue.due.clear()


def _list_due(database: PostgresDatabase, user_id: UUID, now: datetime) -> list[ApiConnection]:
    own = [found for found in list_connections(database) if found.user_id == user_id]
    return [found for found in own if found.is_due(now)]


def _due_since(found: ApiConnection) -> datetime:
    return found.next_sync_at or found.created_at


def describe_sync(synced: Synced) -> str:
    """One sentence for the operator."""
    outcomes = synced.outcomes
    failed = sum(1 for outcome in outcomes if outcome.error)
    added = sum(outcome.added for outcome in outcomes)
    left = sum(synced.left.values())
    end = f"; {failed} failed" if failed else ""
    end += f"; {left:,} of {plural(len(synced.left), 'account')} wait for the next run" if left else ""
    return f"Synced {plural(len(outcomes), 'connection')}: {plural(added, 'new record')}{end}."
