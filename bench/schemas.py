"""Databases with this checkout's migrations, and with an older checkout's to compare with."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from tally.core.records import REQUESTS, CostRecord, to_columns
from tests.database.cluster import MIGRATIONS, Cluster
from tests.database_fixtures import Project

Connection = psycopg.Connection[Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """One database and the differences of its schema."""

    project: Project
    is_older: bool  # its tenant is the user, and the ledger's columns are metadata

    @property
    def tenant(self) -> str:
        """The column of the tenant."""
        return "user_id" if self.is_older else "workspace_id"

    def connect(self, role: str = "postgres") -> Connection:
        """As a login role, in autocommit."""
        return self.project.connect(role)

    def act_as(self, user_id: UUID) -> Connection:
        """As a signed-in user, under row-level security."""
        return self.project.act_as("authenticated", user_id)

    def to_json(self, records: Sequence[CostRecord]) -> str:
        """The records as this schema's save_cost_records takes them."""
        sent = [_as_metadata(record) for record in records] if self.is_older else to_columns(records)
        return json.dumps(sent)


def make_schema(cluster: Cluster, checkout: Path | None = None, name: str = "now") -> Schema:
    """A database with the migrations of this checkout, or of an older one, which is named `before`."""
    folder = MIGRATIONS if checkout is None else checkout / "database" / "migrations"
    name = name if checkout is None else "before"
    cluster.make_project(name)
    with cluster.connect(name) as connection:
        for migration in sorted(folder.glob("*.sql")):
            connection.execute(migration.read_bytes())
    return Schema(Project(cluster, name), is_older=checkout is not None)


def make_schemas(cluster: Cluster, before: Path | None) -> dict[str, Schema]:
    """This checkout's schema as `now`, and the older one, if any, as `before`."""
    schemas = {"now": make_schema(cluster)}
    return schemas if before is None else {**schemas, "before": make_schema(cluster, before)}


def fetch_value(connection: Connection, query: str, *values: object) -> Any:
    """The first value of a query's first row."""
    row = connection.execute(query, values).fetchone()
    assert row is not None
    return row[0]


def _as_metadata(record: CostRecord) -> dict[str, Any]:
    values = {name: column[0] for name, column in to_columns([record]).items()}
    metadata = {}
    if record.billing_account:
        metadata["ledger"] = values.pop("billing_account")
    if record.dataset != REQUESTS:
        metadata["dataset"] = values.pop("dataset")
    return values | {"metadata": metadata}
