"""Nightly sync of all connections to providers' APIs, each with the permissions of the user who added it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from forecasting.nightly.database import Connection
from tally.connectors.connections import list_connections
from tally.connectors.limits import INTERACTIVE
from tally.connectors.sync import SyncOptions, sync_connection
from tally.core.errors import TallyError
from tally.core.settings import load_settings
from tally.core.text import plural
from tally.secrets.key_ring import load_key_ring
from tally.storage.postgres import PostgresDatabase

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


def sync_connections(connection: Connection) -> Iterator[SyncOutcome]:
    """Sync every active connection that is due. A failure does not stop the others."""
    now = datetime.now(UTC)
    silent: set[str] = set()  # providers that are down; their next connections get fewer retries
    for workspace_id, user_id in connection.execute(OWNERS).fetchall():
        database = PostgresDatabase(connection, user_id, workspace_id)
        try:
            own = [found for found in list_connections(database) if found.user_id == user_id]
        except TallyError as problem:
            yield SyncOutcome(workspace_id, "", "", 0, 0, str(problem))
            continue
        due = [found for found in own if found.is_due(now)]
        for found in due:
            limits = INTERACTIVE if found.provider in silent else None
            options = SyncOptions(limits=limits)
            synced = sync_connection(database, lambda: load_key_ring(load_settings()), found, options)
            (silent.add if synced.was_unavailable else silent.discard)(found.provider)
            yield SyncOutcome(
                workspace_id, found.provider, found.name, synced.added, synced.restated, synced.error
            )


def sync_step(outcomes: Sequence[SyncOutcome]) -> dict[str, Any]:
    """A workspace's sync as an entry for job_runs.steps."""
    added = sum(outcome.added for outcome in outcomes)
    return {"step": "collect", "count": added, "connections": [outcome.entry for outcome in outcomes]}


def describe_sync(outcomes: Sequence[SyncOutcome]) -> str:
    """One sentence for the operator."""
    failed = sum(1 for outcome in outcomes if outcome.error)
    added = sum(outcome.added for outcome in outcomes)
    end = f"; {failed} failed" if failed else ""
    return f"Synced {plural(len(outcomes), 'connection')}: {plural(added, 'new record')}{end}."
