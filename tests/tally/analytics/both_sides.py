"""The rows of Postgres and those of the engine, as the same values."""

from datetime import UTC, datetime
from typing import Any

from tally.analytics.tables import TABLES, Table
from tests.database_fixtures import Connection

Rows = list[tuple[Any, ...]]

TAGS = "private.tags_of(coalesce(nullif(b.metadata -> 'tags', '[]'), b.metadata -> 'tag'))"
BASES = {
    "records": ("public.cost_records", "id", {"tags": TAGS}),
    "superseded": ("public.superseded_records", "id", {"tags": TAGS}),
    "traces": ("public.traces", "trace_id", {"models": "b.models", "project_ids": "b.project_ids"}),
}
FIGURES = (
    "cost_usd, tokens_used, input_tokens, output_tokens, cached_input_tokens, cache_write_tokens, "
    "reasoning_tokens, request_count"
)
PLAIN = (
    "workspace_id, timestamp, source_key, id, user_id, project_id, provider_id, import_id, model_name, "
    "cost_basis, charge_type"
)
EFFECTIVE = f"select {PLAIN}, {FIGURES} from public.effective_records"
COUNTED = ", ".join(
    f"if({'money_is' if name == 'cost_usd' else 'tokens_are'}_effective = 1, {name}, 0)"
    for name in FIGURES.split(", ")
)


def find_differences(database: Connection, engine: Any) -> dict[str, tuple[Rows, Rows]]:
    """What only Postgres has, and what only the engine has, by table, and of what counts."""
    found = {table.name: (read_postgres(database, table), read_engine(engine, table)) for table in TABLES}
    found["effective"] = (
        _sorted(database.execute(EFFECTIVE)),
        _sorted(engine.query(f"select {PLAIN}, {COUNTED} from records final").result_rows),
    )
    return {
        name: ([row for row in ours if row not in theirs], [row for row in theirs if row not in ours])
        for name, (ours, theirs) in found.items()
        if ours != theirs
    }


def read_postgres(database: Connection, table: Table) -> Rows:
    """All rows that the engine should have; lists as they are stored, not as they are sent."""
    base, key, lists = BASES[table.name]
    columns = ", ".join(lists.get(name, f"v.{name}") for name in _columns(table))
    query = f"select {columns} from private.engine_{table.name} as v inner join {base} as b using ({key})"
    return _sorted(database.execute(query.encode()))


def read_engine(engine: Any, table: Table) -> Rows:
    """All rows that the engine has."""
    columns = ", ".join(_columns(table))
    return _sorted(engine.query(f"select {columns} from {table.name} final").result_rows)


def _columns(table: Table) -> list[str]:
    return [name for name in table.columns if name not in ("version", "is_deleted")]


def _sorted(rows: Any) -> Rows:
    return sorted((tuple(map(_plain, row)) for row in rows), key=str)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return sorted(map(str, value)) if isinstance(value, list) else value
