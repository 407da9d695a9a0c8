"""Export of a workspace's costs as FOCUS, as far as the account may see them.

Days are UTC days here, as the format wants them, while Tally's pages have the workspace's own days: sums of
single days and months differ between the two, the sum of everything does not.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from secrets import token_hex

from tally.core.errors import TallyError
from tally.focus.files import FORMATS, FileFormat, Written, write_rows
from tally.focus.rows import FocusRow, Names, make_rows
from tally.focus.sums import FIRST_DAY, load_sums
from tally.focus.versions import Version
from tally.pricing.workspace_prices import load_workspace_prices
from tally.storage.database import Database, Query, select_all
from tally.storage.unnamed import UNNAMED
from tally.storage.workspaces import list_workspaces

AHEAD = timedelta(days=367)  # how far in the future records may be


def choose_period(first: date | None, last: date | None) -> tuple[date, date]:
    """The UTC days that are asked for, by default all; raises TallyError for none."""
    chosen = (first or FIRST_DAY, last or datetime.now(UTC).date() + AHEAD)
    if chosen[0] > chosen[1]:
        raise TallyError(f"{chosen[0]} is after {chosen[1]}. Exchange them.")
    return max(chosen[0], FIRST_DAY), chosen[1]


def find_format(name: str) -> FileFormat:
    """The format of a file by its name; raises TallyError for another one."""
    for file_format in FORMATS:
        if name.lower().endswith(f".{file_format}"):
            return file_format
    raise TallyError(f"{name} must end in .csv or .parquet.")


def load_rows(database: Database, first: date, last: date) -> Iterator[FocusRow]:
    """The rows of UTC days, both ends included. Each month is read at once; they are in order."""
    names, custom = load_names(database), load_workspace_prices(database).custom
    for found in load_sums(database, first, last):
        yield from make_rows(found, names, custom)


def load_names(database: Database) -> Names:
    """Names of the workspace, its projects and its billing accounts."""
    workspace_id = database.scope.workspace_id
    workspaces = {workspace.id: workspace.name for workspace in list_workspaces(database)}
    accounts = select_all(database, Query("billing_accounts", "account,name", ["account"]))
    return Names(
        workspace_id,
        workspaces.get(workspace_id, workspace_id),
        {row["id"]: row["name"] for row in database.call("list_projects")} | UNNAMED,
        {row["account"]: row["name"] for row in accounts},
    )


def write_file(database: Database, path: Path, period: tuple[date, date], version: Version) -> Written:
    """Write a file, which is there when it is whole; raises TallyError."""
    file_format = find_format(path.name)
    if not path.parent.is_dir():
        raise TallyError(f"There is no folder {path.parent}. Create it, or name another one.")
    unfinished = path.with_name(f".{path.name}.{token_hex(4)}")
    try:
        with unfinished.open("wb") as file:
            written = write_rows(load_rows(database, *period), file, file_format, version)
        unfinished.replace(path)
    except OSError as error:
        raise TallyError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return written
