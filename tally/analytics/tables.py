"""The engine's tables: copies of rows of Postgres, the newest version of each.

A row is replaced by one with the same key and a greater `version`, and gone where that one `is_deleted`.
Figures are what the source reported; flags beside them say whether they count, as in `public.cost_records`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime

SCHEMA_VERSION = 1  # raised with any change of the tables: an engine of another version is built again


def month_bounds(month: int) -> dict[str, datetime]:
    """The first instant of a UTC month such as 202611, and the first after it, by the names of parameters."""
    first_at = datetime(month // 100, month % 100, 1, tzinfo=UTC)
    last_at = first_at.replace(year=first_at.year + first_at.month // 12, month=first_at.month % 12 + 1)
    return {"first_at": first_at, "last_at": last_at}


# Few enough values for a dictionary; the others are texts.
FEW = "LowCardinality(String)"
DIMENSIONS = {
    "agent": FEW,
    "task": "String",
    "session": "String",
    "tool": FEW,
    "repository": FEW,
    "branch": FEW,
    "environment": FEW,
    "container": "String",
    "customer": FEW,
    "prompt": FEW,
    "api_key": FEW,
}

_TENANT = {"workspace_id": "UUID"}
_VERSION = {"version": "UInt64", "is_deleted": "UInt8"}
_STATEMENT = {
    "timestamp": "DateTime64(6, 'UTC')",
    "source_key": "UUID",
    "id": "UUID",
    "user_id": "UUID",
    "provider_id": "UUID",
    "project_id": "Nullable(UUID)",
    "import_id": "Nullable(UUID)",
    "model_name": FEW,
    "billing_account": FEW,  # '' = none
    "cost_basis": FEW,
    "charge_type": FEW,
    "cost_usd": "Nullable(Decimal(18, 10))",  # null = unpriced
    "tokens_used": "Int64",
    "input_tokens": "Int64",
    "output_tokens": "Int64",
    "cached_input_tokens": "Int64",
    "cache_write_tokens": "Int64",
    "reasoning_tokens": "Int64",
    "request_count": "Int64",
    "money_is_effective": "UInt8",  # 1 in superseded statements
    "tokens_are_effective": "UInt8",
    "is_unpriced": "UInt8",  # no price where one is missing: effective, and no failed call
    "is_date": "UInt8",  # the event is a date, not an instant
    "has_request_id": "UInt8",
    # Dimensions of metadata: the first key that is filled, trimmed, the first 200 characters; '' = none.
    **DIMENSIONS,
    "tags": f"Array({FEW})",
    # Calls of models that tell how they went.
    "is_call": "UInt8",  # a program sent it by OpenTelemetry
    "call_status": FEW,  # ok, error, timeout or rate_limited; '' = not told
    "duration_ms": "Nullable(Int64)",
    "first_token_ms": "Nullable(Int64)",
    "run": "String",  # the trace, else the session, that calls share
    # Answers from a gateway's own cache, and what they saved; null = nobody knows.
    "is_cache_hit": "UInt8",
    "cache_saved_usd": "Nullable(Decimal(18, 10))",
}
_TRACE = {
    "trace_id": "String",
    "first_at": "DateTime64(6, 'UTC')",
    "last_at": "DateTime64(6, 'UTC')",
    "user_id": "Nullable(UUID)",
    "project_ids": "Array(UUID)",
    "duration_us": "Int64",
    "name": "String",
    "service": FEW,
    "session": "String",
    "person": FEW,
    "agent": FEW,
    "searched": "String",  # the texts that a search looks through, in small letters as Postgres makes them
    "status": FEW,
    "spans": "Int32",
    "errors": "Int32",
    "retries": "Int32",
    "calls": "Int32",
    "unpriced": "Int32",
    "input_tokens": "Int128",
    "output_tokens": "Int128",
    "cost_usd": "Nullable(Decimal(38, 10))",
    "models": f"Array({FEW})",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the engine: its columns with their types, and the key that all versions of a row share."""

    name: str
    columns: dict[str, str]
    key: tuple[str, ...]
    time: str
    derived: dict[str, str] = field(default_factory=dict)  # further columns, which the engine fills

    def define(self) -> str:
        """The statement that creates the table."""
        columns = ",\n    ".join(f"`{name}` {kind}" for name, kind in (self.columns | self.derived).items())
        return (
            f"create table if not exists {self.name} (\n    {columns}\n)\n"
            f"engine = ReplacingMergeTree(version, is_deleted)\n"
            f"partition by toYYYYMM({self.time})\n"
            f"order by ({', '.join(self.key)})"
        )


RECORDS = Table(
    "records",
    _TENANT | _STATEMENT | _VERSION,
    ("workspace_id", "timestamp", "source_key"),
    "timestamp",
    # Sums of everybody's days take half the time that a date of each instant takes.
    {"utc_day": "Date materialized toDate(timestamp)"},
)
# Statements of enabled sources that another one replaced: they tell dimensions, and how calls went.
SUPERSEDED = Table(
    "superseded",
    _TENANT | _STATEMENT | _VERSION,
    ("workspace_id", "timestamp", "id"),
    "timestamp",
)
TRACES = Table(
    "traces",
    _TENANT | _TRACE | _VERSION,
    ("workspace_id", "first_at", "trace_id"),
    "first_at",
)
TABLES = (RECORDS, SUPERSEDED, TRACES)

# Facts of the whole engine by name, such as the version of its tables.
FACTS = (
    "create table if not exists facts (name String, value String, version UInt64)\n"
    "engine = ReplacingMergeTree(version) order by name"
)
