"""The workspace that an export is imported into: what it has, and what becomes of the file's ids."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

from tally.core.text import plural
from tally.moving.file import ExportFile
from tally.moving.tables import RECORDS, REFERENCES, SOURCES, SUBSCRIPTIONS, Row, Table
from tally.storage.database import (
    Database,
    DatabaseError,
    NotAllowed,
    Query,
    SignedOut,
    Unreachable,
    select_all,
    select_first,
)
from tally.storage.workspaces import Workspace

MOVED_FROM = "moved_from"  # in metadata: the id of the row in the first workspace that had it
SHOWN_REASONS = 5


@dataclass(slots=True)
class Counts:
    """Rows of a table: read = added + already there + rejected."""

    read: int = 0
    added: int = 0
    there: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    def reject(self, reason: str, rows: int = 1) -> None:
        """Count rows that are not imported."""
        self.read += rows
        self.rejected += rows
        self.reasons[reason] = self.reasons.get(reason, 0) + rows

    def add(self, rows: int = 1) -> None:
        """Count rows that were added."""
        self.read += rows
        self.added += rows

    def find(self, rows: int = 1) -> None:
        """Count rows that were there."""
        self.read += rows
        self.there += rows


@dataclass(slots=True)
class Target:
    """A workspace during an import."""

    database: Database
    workspace: Workspace
    file: ExportFile
    account: str  # email address
    was_new: bool  # it had no records, sources, subscriptions, projects
    has_records: bool
    providers: dict[str, str]  # ids by name
    ids: dict[str, dict[str, str]] = field(default_factory=dict)  # by table and former id
    counts: defaultdict[str, Counts] = field(default_factory=lambda: defaultdict(Counts))
    notes: list[str] = field(default_factory=list)
    has_its_rules: bool = False  # the file's rules are the workspace's
    refused: set[str] = field(default_factory=set)  # new ids of subscriptions that were not added
    to_archive: list[str] = field(default_factory=list)
    to_finish: list[Row] = field(default_factory=list)

    @classmethod
    def of(cls, database: Database, workspace: Workspace, file: ExportFile) -> "Target":
        """The workspace as it is before the import."""
        used = {
            name: select_first(database, Query(name, "id", ["id"])) is not None
            for name in (RECORDS.name, "superseded_records", SOURCES.name, SUBSCRIPTIONS.name, "projects")
        }
        people = {row["user_id"]: row["email"] for row in database.call("list_people")}
        return cls(
            database,
            workspace,
            file,
            people[database.scope.user_id],
            was_new=not any(used.values()),
            has_records=used[RECORDS.name] or used["superseded_records"],
            providers={
                row["name"]: row["id"] for row in select_all(database, Query("providers", "id,name", ["id"]))
            },
        )

    def is_own(self, person: str | None) -> bool:
        """True for what belonged to whoever exported or imports it."""
        return person is None or person.casefold() in {
            self.file.manifest.account.casefold(),
            self.account.casefold(),
        }

    def new_id(self, former: str) -> str:
        """The id that a row gets in this workspace."""
        return str(uuid5(UUID(self.workspace.id), former))

    def moved(self, row: Row) -> Row:
        """A row with the ids of this workspace in place of its references."""
        moved = dict(row)
        for column, table in REFERENCES.items():
            if row.get(column) is not None:
                moved[column] = self.ids[table.name][row[column]]
        return moved

    def count(self, table: Table) -> Counts:
        """The counts of a table."""
        return self.counts[table.name]

    def describe(self) -> list[str]:
        """A line for each table that had rows, and for what was rejected."""
        lines = []
        for name, counts in self.counts.items():
            if not counts.read:
                continue
            lines.append(
                f"{name}: read {counts.read:,} = {counts.added:,} added + {counts.there:,} already there"
                f" + {counts.rejected:,} rejected"
            )
            reasons = list(counts.reasons.items())
            lines += [f"  {plural(rows, 'row')}: {reason}" for reason, rows in reasons[:SHOWN_REASONS]]
            if len(reasons) > SHOWN_REASONS:
                lines.append(f"  and {plural(len(reasons) - SHOWN_REASONS, 'other reason')}")
        return lines


def origins(row: Row) -> set[str]:
    """Ids by which a row of the workspace or of the file is known."""
    first = row["metadata"].get(MOVED_FROM)
    return {row["id"]} | ({first} if isinstance(first, str) else set())


def remember_origin(row: Row) -> Row:
    """The metadata of a new row, with its first id."""
    metadata: Row = row["metadata"]
    return {MOVED_FROM: row["id"]} | metadata


def attempt(counts: Counts, action: Any, rows: int = 1) -> bool:
    """Do what the database may refuse for some rows: true if it was done; its refusal is their reason."""
    try:
        action()
    except (Unreachable, SignedOut, NotAllowed):
        raise
    except DatabaseError as refusal:
        counts.reject(str(refusal), rows)
        return False
    counts.add(rows)
    return True
