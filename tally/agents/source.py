"""Source of one agent's logs on one machine: its row of `imports`, and the counts of a collection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tally.ledger.save import Saved
from tally.storage.database import Database, Query, select_first

SOURCE_COLUMNS = (
    "id,kind,format,filename,rows_read,rows_imported,rows_duplicate,rows_restated,rows_rejected,"
    "errors,metadata"
)
MAX_STORED_REASONS = 100  # per source, the newest


@dataclass(slots=True)
class SourceResult:
    """Counts of one agent's collection: read = added + duplicates + rejected."""

    source: str
    title: str
    added: int = 0
    duplicates: int = 0
    restated: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)

    def add_saved(self, saved: Saved) -> None:
        """Count one saved batch."""
        self.added += saved.inserted
        self.duplicates += saved.duplicate
        self.restated += saved.restated
        self.reject([reason for _, reason in saved.rejected])

    def reject(self, reasons: Sequence[str], count: int | None = None) -> None:
        """Count rejected requests; there may be fewer reasons than requests."""
        self.rejected += len(reasons) if count is None else count
        self.reasons += reasons

    @property
    def read(self) -> int:
        """Requests and lines read."""
        return self.added + self.duplicates + self.rejected

    def to_json(self) -> dict[str, Any]:
        """Return the result as `tally collect --json` prints it."""
        return {
            "source": self.source,
            "title": self.title,
            "read": self.read,
            "added": self.added,
            "already_there": self.duplicates,
            "restated": self.restated,
            "rejected": self.rejected,
            "reasons": self.reasons,
        }


def find_source(database: Database, agent_name: str, machine_name: str) -> dict[str, Any]:
    """Return the import of an agent on a machine, inserting it the first time."""
    identity = {"kind": "machine", "format": agent_name, "filename": machine_name}
    # Other members of the workspace may have machines of the same name.
    own = identity | {"user_id": database.scope.user_id}
    known = select_first(database, Query("imports", SOURCE_COLUMNS, ["id"], own))
    return known or database.insert("imports", identity | {"status": "done"})


def add_result(database: Database, source: Mapping[str, Any], result: SourceResult) -> None:
    """Add a collection's counts to those of its source."""
    errors = [{"line": 0, "reason": reason, "row": ""} for reason in result.reasons]
    values = {
        "rows_read": source["rows_read"] + result.read,
        "rows_imported": source["rows_imported"] + result.added,
        "rows_duplicate": source["rows_duplicate"] + result.duplicates,
        "rows_restated": source["rows_restated"] + result.restated,
        "rows_rejected": source["rows_rejected"] + result.rejected,
        "errors": (errors + source["errors"])[:MAX_STORED_REASONS],
        "status": "done",
        "finished_at": datetime.now(UTC).isoformat(),
    }
    database.update("imports", source["id"], values)
