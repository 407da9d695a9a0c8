"""Export of a workspace's records as CSV or Parquet, safe to open in a spreadsheet.

Records of sources that are excluded from totals are left out. Costs and tokens add up to the totals: those of
a record that another source replaces are 0, and its flags `money_is_effective` and `tokens_are_effective` are
false. `project` and `person` are names and email addresses; a personal workspace has no persons.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
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
    "project",
    "person",
    "note",
    "money_is_effective",
    "tokens_are_effective",
    "source_key",
    "id",
)
READ = (
    "id,timestamp,provider_id,model_name,cost_usd::text,cost_basis,charge_type,collection_method,tokens_used,input_tokens,"
    "output_tokens,cached_input_tokens,cache_write_tokens,reasoning_tokens,request_count,day,metadata,"
    "money_is_effective,tokens_are_effective,source_key,project_id,user_id"
)
TEXT_COLUMNS = ("provider", "model_name", "project", "person", "note")
OTHER_PROJECTS = "Other projects"  # private ones that the account does not see
DELETED_ACCOUNT = "Deleted account"
COUNTS = (
    "tokens_used",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "request_count",
)
NO_COST, NO_COUNTS = {"cost_usd": "0.0000000000"}, dict.fromkeys(COUNTS, 0)
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

    names = _load_names(database)
    rows: list[Row] = []
    for page in select_pages(database, Query("effective_records", READ, ["timestamp", "id"])):
        rows += page
        on_progress(len(rows), 0, "")
    return pd.DataFrame([_flatten(row, names) for row in rows], columns=list(COLUMNS))


def tabulate(database: Database, rows: Iterable[Row]) -> "pd.DataFrame":
    """Records as `list_records` tells them, with COLUMNS: figures that do not count are 0, as in totals."""
    import pandas as pd  # takes half a second

    names = _load_names(database)
    return pd.DataFrame([_flatten(_keep_effective(row), names) for row in rows], columns=list(COLUMNS))


def _keep_effective(row: Row) -> Row:
    return (
        row
        | ({} if row["money_is_effective"] else NO_COST)
        | ({} if row["tokens_are_effective"] else NO_COUNTS)
    )


def write_records(records: "pd.DataFrame", file_format: Format) -> bytes:
    """The file of records."""
    return write_table(records, file_format, TEXT_COLUMNS)


def write_table(table: "pd.DataFrame", file_format: Format, texts: Iterable[str]) -> bytes:
    """The bytes of a file. CSV cells of the columns `texts` cannot run as formulas; Parquet keeps them."""
    buffer = io.BytesIO()
    if file_format == "parquet":
        table.to_parquet(buffer, index=False)
    else:
        safe = table.assign(**{name: table[name].map(escape_formula) for name in texts})
        # With this line terminator, cells with a carriage return or line feed are quoted.
        safe.to_csv(buffer, index=False, lineterminator="\r\n")
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class _Names:
    """Names by id."""

    providers: dict[str, str]
    projects: dict[str, str]
    people: dict[str, str] | None  # None: a personal workspace


def _load_names(database: Database) -> _Names:
    providers = database.select(Query("providers", "id,name", ["id"]))
    people = None
    if database.scope.workspace_id != database.scope.user_id:
        people = {row["user_id"]: row["email"] for row in database.call("list_people")}
    return _Names(
        {row["id"]: row["name"] for row in providers},
        {row["id"]: row["name"] for row in database.call("list_projects")},
        people,
    )


def _flatten(row: Row, names: _Names) -> Row:
    project, person = row["project_id"], row["user_id"]
    return row | {
        "provider": names.providers[row["provider_id"]],
        "project": names.projects.get(str(project), OTHER_PROJECTS) if project else None,
        "person": None if names.people is None else names.people.get(str(person), DELETED_ACCOUNT),
        "note": row["metadata"].get("note"),
    }
