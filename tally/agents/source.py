"""Source of one agent's logs on one machine: its row of `imports`, and the counts of a collection."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tally.agents.events import describe_unknown
from tally.agents.payment import Payment
from tally.agents.records import make_record
from tally.agents.sorting import FiledEvent
from tally.core.records import CostRecord, InvalidRecord, file_under
from tally.ledger.save import Saved, save_records
from tally.storage.database import Database, Query, Row, select_first

SOURCE_COLUMNS = (
    "id,kind,format,filename,rows_read,rows_imported,rows_duplicate,rows_restated,rows_rejected,"
    "errors,metadata"
)
BATCH_RECORDS = 500  # per call: the connection may be slow and the database busy
MAX_STORED_REASONS = 100  # per source, the newest


@dataclass(slots=True)
class SourceResult:
    """Counts of one agent's collection into a workspace: read = added + duplicates + rejected.

    What is left out by folder rules is not read, and counted for the workspace of folders without a rule.
    """

    source: str
    title: str
    workspace_id: str = ""
    workspace_name: str = ""  # where several workspaces are collected into
    added: int = 0
    duplicates: int = 0
    restated: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    unknown_lines: int = 0  # with counts of tokens in a shape that Tally does not know
    left_out: int = 0  # in folders that are never collected
    without_folder: int = 0  # left out, as they may be from such a folder
    elsewhere: int = 0  # not read, as they were collected into another workspace before

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
            "workspace_id": self.workspace_id,
            "read": self.read,
            "added": self.added,
            "already_there": self.duplicates,
            "restated": self.restated,
            "rejected": self.rejected,
            "reasons": self.reasons,
            "unknown_lines": self.unknown_lines,
            "left_out": self.left_out,
            "without_folder": self.without_folder,
            "elsewhere": self.elsewhere,
        }


@dataclass(slots=True)
class MachineSource:
    """One agent's source in a workspace; `add` makes its row, with the first requests."""

    database: Database
    payment: Payment
    result: SourceResult
    row: Row | None
    add: Callable[[], Row]

    def save(self, filed: Sequence[FiledEvent]) -> None:
        """Save requests, in small calls."""
        if not filed:
            return
        import_id = self._get_row()["id"]
        records, refused = _make_records(self.result.source, filed, self.payment)
        for start in range(0, len(records), BATCH_RECORDS):
            batch = records[start : start + BATCH_RECORDS]
            self.result.add_saved(save_records(self.database, batch, import_id))
        self.result.reject(refused)

    def reject(self, reasons: Sequence[str], count: int, unknown: int) -> None:
        """Count lines that could not be read, and those of an unknown shape."""
        self._get_row()
        self.result.reject(reasons, count)
        self.result.unknown_lines += unknown

    def finish(self) -> SourceResult:
        """Store the counts and return them."""
        if self.result.read or self.result.unknown_lines:
            add_result(self.database, self._get_row(), self.result)
        return self.result

    def _get_row(self) -> Row:
        if self.row is None:
            self.row = self.add()
        return self.row


def _make_records(
    agent_name: str, filed: Sequence[FiledEvent], payment: Payment
) -> tuple[list[CostRecord], list[str]]:
    """Return records and refusals, by time, so that each batch is compared with few stored records."""
    records, refused = [], []
    for event, project_id in sorted(filed, key=lambda one: one.event.timestamp):
        try:
            records.append(file_under(make_record(agent_name, event, payment), project_id))
        except InvalidRecord as reason:
            refused.append(str(reason))
    return records, refused


def find_source(database: Database, agent_name: str, machine_name: str) -> Row | None:
    """Return the import of an agent on a machine, None before its first requests."""
    # Other members of the workspace may have machines of the same name.
    own = _identity(agent_name, machine_name) | {"user_id": database.scope.user_id}
    return select_first(database, Query("imports", SOURCE_COLUMNS, ["id"], own))


def add_source(database: Database, agent_name: str, machine_name: str) -> Row:
    """Insert the import of an agent on a machine."""
    return database.insert("imports", _identity(agent_name, machine_name) | {"status": "done"})


def _identity(agent_name: str, machine_name: str) -> Row:
    return {"kind": "machine", "format": agent_name, "filename": machine_name}


def add_result(database: Database, source: Mapping[str, Any], result: SourceResult) -> None:
    """Add a collection's counts to those of its source."""
    unknown = [describe_unknown(result.unknown_lines)] if result.unknown_lines else []
    errors = [{"line": 0, "reason": reason, "row": ""} for reason in (*unknown, *result.reasons)]
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
