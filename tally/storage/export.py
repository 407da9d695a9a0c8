"""Export of a workspace's records as CSV or Parquet, safe to open in a spreadsheet.

Records of sources that are excluded from totals are left out. Costs and tokens add up to the totals: those of
a record that another source replaces are 0, and its flags `money_is_effective` and `tokens_are_effective` are
false.
"""

import io
from typing import TYPE_CHECKING, Any, Literal

from tally.core.progress import Progress, ignore_progress
from tally.storage.database import Database, Query, Row, select_pages

if TYPE_CHECKING:
    import pandas as pd

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
    "money_is_effective",
    "tokens_are_effective",
    "source_key",
    "id",
)
READ = (
    "id,timestamp,provider_id,model_name,cost_usd::text,cost_basis,charge_type,collection_method,tokens_used,input_tokens,"
    "output_tokens,cached_input_tokens,cache_write_tokens,reasoning_tokens,request_count,day,metadata,"
    "money_is_effective,tokens_are_effective,source_key"
)
# Spreadsheets run text cells that begin with these characters as formulas.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def escape_formula(cell: Any) -> Any:
    """The cell, with an apostrophe in front of text that a spreadsheet would run as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def unescape_formula(cell: str) -> str:
    """The text that `escape_formula` was given."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell


def load_records(database: Database, on_progress: Progress = ignore_progress) -> "pd.DataFrame":
    """All records of the workspace's enabled sources, oldest first, with COLUMNS; money stays text."""
    import pandas as pd  # takes half a second

    providers = {row["id"]: row["name"] for row in database.select(Query("providers", "id,name", ["id"]))}
    rows: list[Row] = []
    for page in select_pages(database, Query("effective_records", READ, ["timestamp", "id"])):
        rows += page
        on_progress(len(rows), 0, "")
    return pd.DataFrame([_flatten(row, providers) for row in rows], columns=list(COLUMNS))


def write_records(records: "pd.DataFrame", file_format: Format) -> bytes:
    """The file's bytes. CSV cells cannot run as formulas; Parquet keeps them unchanged."""
    buffer = io.BytesIO()
    if file_format == "parquet":
        records.to_parquet(buffer, index=False)
    else:
        text = ["provider", "model_name", "note"]
        safe = records.assign(**{name: records[name].map(escape_formula) for name in text})
        # With this line terminator, cells with a carriage return or line feed are quoted.
        safe.to_csv(buffer, index=False, lineterminator="\r\n")
    return buffer.getvalue()


def _flatten(row: Row, providers: dict[str, str]) -> Row:
    return row | {"provider": providers[row["provider_id"]], "note": row["metadata"].get("note")}
