"""A person's records as a file that is safe to open: CSV or Parquet."""

import io
from collections.abc import Callable
from typing import Any, Literal

import pandas as pd

from tally.api import PAGE, Api, Row

Format = Literal["csv", "parquet"]
COLUMNS = (
    "timestamp",
    "provider",
    "model_name",
    "cost_usd",
    "cost_basis",
    "charge_type",
    "collection_method",
    "tokens_used",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "request_count",
    "day",
    "note",
    "id",
)
READ = (
    "id,timestamp,provider_id,model_name,cost_usd,cost_basis,charge_type,collection_method,tokens_used,input_tokens,"
    "output_tokens,cached_input_tokens,cache_write_tokens,reasoning_tokens,request_count,metadata"
)
# A spreadsheet runs a text cell that begins like this as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")

Progress = Callable[[int], None]


def harmless(cell: Any) -> Any:
    """The cell with an apostrophe in front where a spreadsheet would take its text for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def load_records(api: Api, on_progress: Progress | None = None) -> pd.DataFrame:
    """All records of the person, oldest first, with the columns of COLUMNS; money stays text."""
    providers = {row["id"]: row["name"] for row in api.select("providers", "id,name", ["id"])}
    rows: list[Row] = []
    while page := api.select("cost_records", READ, ["timestamp", "id"], rows[-1] if rows else None):
        rows += page
        if on_progress:
            on_progress(len(rows))
        if len(page) < PAGE:
            break
    return pd.DataFrame([_flatten(row, providers) for row in rows], columns=list(COLUMNS))


def write_records(records: pd.DataFrame, file_format: Format) -> bytes:
    """The file's bytes. CSV cells are made harmless; Parquet is no spreadsheet and keeps them as they are."""
    buffer = io.BytesIO()
    if file_format == "parquet":
        records.to_parquet(buffer, index=False)
    else:
        text = ["provider", "model_name", "note"]
        records.assign(**{name: records[name].map(harmless) for name in text}).to_csv(buffer, index=False)
    return buffer.getvalue()


def _flatten(row: Row, providers: dict[str, str]) -> Row:
    metadata = row["metadata"]
    cost = row["cost_usd"]
    return row | {
        "timestamp": str(row["timestamp"]),
        "id": str(row["id"]),
        "provider": providers[row["provider_id"]],
        "cost_usd": None if cost is None else str(cost),
        "day": metadata.get("day"),
        "note": metadata.get("note"),
    }
