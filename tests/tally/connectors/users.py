"""Users on the real stack whose connections use the fake providers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from tally.connectors.connections import Connection, NewConnection, add_connection, list_connections
from tally.connectors.datasets import Dataset, Window
from tally.connectors.sync import SyncOptions, SyncResult, plan_windows, sync_connection
from tally.core.progress import Progress, ignore_progress
from tally.core.settings import load_settings
from tally.local.stack import Stack
from tally.secrets.key_ring import KeyRing, load_key_ring
from tally.storage.database import Database, Query, select_all
from tests.shared_connections import operator_connection
from tests.tally.connectors.clients import QUICK
from tests.tally.connectors.fake_providers import BASE_PATHS, KEYS, FakeProviders

TODAY = date(2026, 11, 20)


@contextmanager
def point_providers_at(stack: Stack, fake: FakeProviders) -> Iterator[None]:
    """Point the providers' addresses at the fake, as only an operator can."""
    with operator_connection(stack, autocommit=True) as connection:
        before = connection.execute(
            "select api_base_url, name from public.providers where name = any(%s)", [list(BASE_PATHS)]
        ).fetchall()
        change = "update public.providers set api_base_url = %s where name = %s"
        connection.cursor().executemany(change, [(fake.base_url(name), name) for name in BASE_PATHS])
        try:
            yield
        finally:
            connection.cursor().executemany(change, before)


def shorten_history(monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """Let first syncs fetch no more than this."""

    def plan(dataset: Dataset, cursor: str | None, today: date) -> list[Window]:
        return plan_windows(replace(dataset, history_days=min(dataset.history_days, days)), cursor, today)

    monkeypatch.setattr("tally.connectors.sync.plan_windows", plan)


def load_ring() -> KeyRing:
    """The stack's own sealing keys."""
    return load_key_ring(load_settings())


def connect(database: Database, provider: str, name: str = "Main", account: str = "") -> Connection:
    """Add a connection with the right key."""
    new = NewConnection(provider, name, SecretStr(KEYS[provider]), account)
    return add_connection(database, load_ring(), new, QUICK)


def reread(database: Database, connection: Connection) -> Connection:
    """Load the connection as it is stored now."""
    return next(c for c in list_connections(database) if c.connection_id == connection.connection_id)


def sync(
    database: Database, connection: Connection, today: date = TODAY, on_progress: Progress = ignore_progress
) -> SyncResult:
    """Sync the connection as it is stored now."""
    options = SyncOptions(today, on_progress, QUICK)
    return sync_connection(database, load_ring, reread(database, connection), options)


def stored(database: Database, dataset: str | None = None) -> list[dict[str, Any]]:
    """Load the account's records at their effective figures, of one dataset or all, in a fixed order."""
    columns = (
        "source_key,timestamp,provider_id,model_name,cost_usd::text,cost_basis,tokens_used,request_count,"
        "collection_method,import_id,billing_account,dataset,day,metadata"
    )
    rows = select_all(database, Query("effective_records", columns, ["timestamp", "source_key"]))
    return [row for row in rows if dataset in (None, row["dataset"])]


def spent(database: Database, basis: str = "billed") -> Decimal:
    """Sum the costs on this basis."""
    rows = [row for row in stored(database) if row["cost_basis"] == basis and row["cost_usd"] is not None]
    return sum((Decimal(row["cost_usd"]) for row in rows), Decimal(0))


def sources(database: Database) -> list[dict[str, Any]]:
    """Load the account's sources."""
    return list(select_all(database, Query("imports", "*", ["created_at", "id"])))
