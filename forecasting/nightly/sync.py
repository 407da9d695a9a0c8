"""The nightly sync of everyone's connections to providers' APIs, each as its owner."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from forecasting.nightly.store import Connection
from tally.connectors.client import HASTY
from tally.connectors.connections import list_connections
from tally.connectors.sync import sync_connection
from tally.core.errors import TallyError
from tally.core.settings import load_settings
from tally.secrets.vault import load_key_ring
from tally.storage.postgres import PostgresDatabase

OWNERS = "select distinct user_id from public.api_credentials where is_active order by user_id"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one connection brought, or why it brought less than it has."""

    user_id: UUID
    provider: str
    name: str
    added: int
    restated: int
    error: str | None

    @property
    def line(self) -> dict[str, Any]:
        """For the record of the night."""
        return {
            "provider": self.provider,
            "name": self.name,
            "added": self.added,
            "restated": self.restated,
            "error": self.error,
        }

    @property
    def failure(self) -> str:
        """Its error with its name."""
        return f"{self.provider} “{self.name}” of {self.user_id}: {self.error}"


def collect(connection: Connection) -> Iterator[Outcome]:
    """Sync every active connection that is due; one that fails stops no other."""
    owners = [user_id for (user_id,) in connection.execute(OWNERS)]
    now = datetime.now(UTC)
    silent: set[str] = set()  # a provider that is down must not cost everyone's night the full patience
    for user_id in owners:
        database = PostgresDatabase(connection, user_id)
        try:
            due = [found for found in list_connections(database) if found.is_due(now)]
        except TallyError as problem:
            yield Outcome(user_id, "", "", 0, 0, str(problem))
            continue
        for found in due:
            limits = HASTY if found.provider in silent else None
            synced = sync_connection(database, lambda: load_key_ring(load_settings()), found, limits=limits)
            (silent.add if synced.was_unanswered else silent.discard)(found.provider)
            yield Outcome(user_id, found.provider, found.name, synced.added, synced.restated, synced.error)


def collect_step(outcomes: list[Outcome]) -> dict[str, Any]:
    """A person's part of it, as their record of the night holds it."""
    added = sum(outcome.added for outcome in outcomes)
    return {"step": "collect", "count": added, "connections": [outcome.line for outcome in outcomes]}


def describe_collected(outcomes: list[Outcome]) -> str:
    """What the operator reads."""
    failed = sum(1 for outcome in outcomes if outcome.error)
    added = sum(outcome.added for outcome in outcomes)
    end = f"; {failed} could not be synced" if failed else ""
    return f"Collected {added} new records from {len(outcomes)} connections{end}."
