"""Export of everything in a workspace, for another installation.

It reads what an admin of the workspace may read, over that person's own access, so it needs no operator. Not
in it: provider keys and targets of channels, which only the installation that has them can decrypt; other
people's accounts, whose email addresses are in it as names; what Tally calculates again, such as forecasts,
unusual days and which source counts; the audit log; and months that an operator archived.
"""

import zipfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tally.backups.archive import new_archive
from tally.core.encoding import MAX_COUNT
from tally.core.errors import TallyError
from tally.core.progress import Progress, ignore_progress
from tally.moving.file import ExportManifest, TableWriter, describe_sum
from tally.moving.prompt_tables import VERSIONS
from tally.moving.saved_views import load_views
from tally.moving.tables import (
    DAILY,
    PERSON,
    PREFERENCES,
    PROVIDER,
    RECORDS,
    REJECTIONS,
    SOURCES,
    TABLES,
    WORKSPACE,
    Row,
    Table,
)
from tally.moving.view_tables import VIEWS
from tally.storage.database import Database, NotAllowed, Query, select_all, select_pages
from tally.storage.unnamed import UNASSIGNED
from tally.storage.workspaces import Workspace, list_workspaces

ATTEMPTS = 3
TEXTS_AT_ONCE = 20  # a prompt may be a megabyte
SOURCES_AT_ONCE = 50  # the rejected rows of one may be a megabyte
ALWAYS_LEFT_OUT = (
    "Provider keys: enter them again where you import. Keys of programs: create new ones there.",
    "Targets of channels: add each channel again where you import, and choose it in its budgets.",
    "Other people: their records come as the importing person's, named by their email address. Invite them, "
    "then give them their records under People named in reports, in Settings.",
    "Other people's saved views of Explore, which are theirs.",
    "Forecasts, unusual days and nightly runs, which are calculated again; exchange rates, which are fetched "
    "again; invitations and the audit log.",
)


@dataclass(frozen=True, slots=True)
class _Names:
    """The workspace, and names by id."""

    workspace: Workspace
    account: str
    providers: dict[str, str]
    people: dict[str, str]


class _Changed(Exception):
    """Something was saved while the tables were read."""


def require_admin(database: Database, what: str) -> Workspace:
    """The database's workspace; raises NotAllowed unless the account is an admin of it."""
    for workspace in list_workspaces(database):
        if workspace.id == database.scope.workspace_id and workspace.role in ("owner", "admin"):
            return workspace
    raise NotAllowed(f"Only its admins can {what} everything of a workspace. Ask one of them.")


def export_workspace(
    database: Database, path: Path, schema_version: str, on_progress: Progress = ignore_progress
) -> ExportManifest:
    """Write the file; raises TallyError if there is one, or if the workspace changes all the time."""
    names = _load_names(database)
    database.call("post_due_renewals")
    for _ in range(ATTEMPTS):
        before = database.call("data_version")
        try:
            with new_archive(path, "export", zipfile.ZIP_DEFLATED) as archive:
                manifest = _write(database, names, TableWriter(archive), on_progress)
                if database.call("data_version") != before:
                    raise _Changed
                manifest = manifest.model_copy(
                    update={"schema_version": schema_version, "parts": archive.parts}
                )
                archive.finish(manifest)
                return manifest
        except _Changed:
            continue
    raise TallyError(
        "The workspace changed while it was read, several times. Try again when nobody collects."
    )


def _write(database: Database, names: _Names, writer: TableWriter, on_progress: Progress) -> ExportManifest:
    daily = _load_daily(database)
    expected, done = sum(row["records"] for row in daily), 0
    rejections: list[Row] = []
    for table in TABLES:
        with writer.writing(table) as write:
            if table is DAILY:
                write(daily)
            elif table is REJECTIONS:
                write(rejections)
            elif table is PREFERENCES and not names.workspace.is_personal:
                write(())
            else:
                for page in _load_pages(database, table, names):
                    if table is SOURCES:
                        rejections += _list_rejections(page)
                    write(_describe(table, row, names) for row in page)
                    done += len(page)
                    on_progress(done, max(expected, done), "Exporting")
    days = sorted({row["date"] for row in daily})
    return ExportManifest(
        tally=version("tally"),
        schema_version="",
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        account=names.account,
        workspace=names.workspace.name,
        workspace_id=names.workspace.id,
        is_personal=names.workspace.is_personal,
        first_day=days[0] if days else None,
        last_day=days[-1] if days else None,
        rows=writer.rows,
        totals=describe_sum(daily),
        left_out=[*_describe_archived(expected, writer.rows[RECORDS.name]), *ALWAYS_LEFT_OUT],
        parts={},
    )


def _load_names(database: Database) -> _Names:
    workspace = require_admin(database, "export")
    people = {row["user_id"]: row["email"] for row in database.call("list_people")}
    return _Names(
        workspace,
        people[database.scope.user_id],
        {row["id"]: row["name"] for row in select_all(database, Query("providers", "id,name", ["id"]))},
        people,
    )


def _load_pages(database: Database, table: Table, names: _Names) -> Iterable[list[Row]]:
    where = {}
    if table is WORKSPACE:
        where = {"id": names.workspace.id}
    if table is PREFERENCES:
        where = {"user_id": database.scope.user_id}
    if table is VIEWS:
        return [load_views(database, names.people)]
    if table is VERSIONS:
        return select_pages(database, Query(table.name, table.query, table.order, where, limit=TEXTS_AT_ONCE))
    if table is SOURCES:
        columns = f"{table.query},errors"
        return select_pages(database, Query(table.name, columns, table.order, where, limit=SOURCES_AT_ONCE))
    return select_pages(database, Query(table.name, table.query, table.order, where, table.before))


def _list_rejections(sources: Iterable[Row]) -> list[Row]:
    return [_describe_rejection(source["id"], error) for source in sources for error in source["errors"]]


def _describe_rejection(import_id: str, error: Any) -> Row:
    """A rejected row; the database checks nothing but that it is JSON."""
    known = error if isinstance(error, dict) else {"row": error}
    line = known.get("line")
    is_line = isinstance(line, int) and not isinstance(line, bool) and 0 <= line <= MAX_COUNT
    return {
        "import_id": import_id,
        "line": line if is_line else 0,
        "reason": str(known.get("reason") or "")[:2000],
        "row": str(known.get("row") or "")[:2000],
    }


def _describe(table: Table, row: Row, names: _Names) -> Row:
    if PROVIDER in table.columns:
        row[PROVIDER] = names.providers.get(row["provider_id"])
    if PERSON in table.columns:
        row[PERSON] = names.people.get(row["user_id"])
    return row


def _load_daily(database: Database) -> list[Row]:
    """The totals as rows."""
    columns: dict[str, list[Any]] = database.call(
        "daily_costs", from_date=None, to_date=None, split="project"
    )
    columns["project_id"] = [None if one == UNASSIGNED else one for one in columns.pop("project")]
    wanted = {name: columns[name] for name in DAILY.columns}
    return [dict(zip(wanted, values, strict=True)) for values in zip(*wanted.values(), strict=True)]


def load_totals(database: Database, last_day: str | None) -> dict[tuple[Any, ...], Row]:
    """The totals up to a day, by day, provider, model, cost basis, charge type and project."""
    found: defaultdict[tuple[Any, ...], Row] = defaultdict(dict)
    for row in _load_daily(database):
        if last_day is None or row["date"] <= last_day:
            found[key_of(row)] = row
    return dict(found)


def key_of(row: Row) -> tuple[Any, ...]:
    """The part of a row of totals that says what is added up."""
    return tuple(row[name] for name in ("date", PROVIDER, "model", "cost_basis", "charge_type", "project_id"))


def _describe_archived(counted: int, read: int) -> list[str]:
    """A sentence for records that count but are not among the rows."""
    if counted <= read:
        return []
    return [
        f"{counted - read:,} records of archived months: their totals are in daily_costs.csv. Bring these "
        "months back with `tally archive restore` to move them."
    ]
