"""`tally archive`: months of records on cheap storage, and back."""

import json
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tally.cli.command import FAILED, TallyCommand
from tally.cli.output import echo
from tally.core.errors import TallyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from tally.archive.connection import Connection
    from tally.archive.manifest import Manifest
    from tally.archive.stretch import Archive, Stretch
    from tally.storage.objects import Store

TEXT_COLUMNS = ("Workspace", "Days", "State", "Problem", "Id of the workspace")
NUMBER_COLUMNS = ("Records", "MB")
NOTHING = "Nothing is archived."

Workspace = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Name or id of a workspace.", show_default=False),
]
Month = Annotated[str, typer.Argument(metavar="MONTH", help="A month such as 2026-03.", show_default=False)]

archive = typer.Typer(
    help="Keep old months of records on cheap storage.\n\nExample: tally archive list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@archive.command(cls=TallyCommand)
def run(
    month: Annotated[
        str | None,
        typer.Argument(metavar="[MONTH]", help="A month such as 2026-03, against the setting, too."),
    ] = None,
    workspace: Workspace = None,
) -> None:
    """Archive what the settings of workspaces ask for, or one month of one workspace.

    The nightly run does the first, too. Totals by day stay; records leave the database.

    Example: tally archive run 2026-03 --workspace Research
    """
    from tally.archive.upkeep import archive_due, delete_of_deleted

    with _opened() as (connection, storage):
        if month is not None:
            _archive_month(connection, storage, month, workspace)
            return
        chosen = [_find(connection, workspace)] if workspace else _list_with_setting(connection)
        rows, problems = 0, list[str]()
        for workspace_id, name in chosen:
            try:
                rows += archive_due(connection, storage, workspace_id, partial(_tell, name))
            except TallyError as problem:
                problems.append(f"{name}: {problem}")
        problems += map(str, delete_of_deleted(connection, storage))
    if rows or not problems:
        echo(f"Archived {rows:,} records." if rows else "Nothing is old enough to be archived.")
    for told in problems:
        echo(told, err=True)
    if problems:
        raise typer.Exit(FAILED)


@archive.command("list", cls=TallyCommand)
def list_archives(
    workspace: Workspace = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List archives with their state and what is wrong with them.

    Example: tally archive list --json
    """
    from tally.archive.stretch import load_archives
    from tally.storage.postgres import connect_operator

    with connect_operator() as connection:
        found = load_archives(connection, _find(connection, workspace)[0] if workspace else None)
    if as_json:
        typer.echo(json.dumps({"archives": [_describe(one) for one in found]}, indent=2))
    elif not found:
        echo(NOTHING)
    else:
        from tally.cli.tables import print_table

        print_table(TEXT_COLUMNS, NUMBER_COLUMNS, map(_cells, found))


@archive.command(cls=TallyCommand)
def restore(month: Month, workspace: Workspace = None) -> None:
    """Bring a month back into the database.

    It stays for 30 days, even where the setting would archive it.

    Example: tally archive restore 2026-03
    """
    from tally.archive.stretch import Stretch, load_archives
    from tally.archive.upkeep import restore_month
    from tally.cli.meter import RowMeter

    wanted = Stretch.of_month(month)
    with _opened() as (connection, storage):
        having = {
            one.workspace_id: one.workspace
            for one in load_archives(connection, state="archived")
            if wanted.holds(one.stretch)
        }
        if workspace:
            workspace_id, name = _find(connection, workspace)
        else:
            workspace_id, name = _only_one(having, month)
        with RowMeter() as meter:
            found = restore_month(connection, storage, workspace_id, wanted, meter.show)
    echo(
        f"Brought {sum(one.records + one.statements for one in found):,} records of {month} back into {name}."
    )


@archive.command(cls=TallyCommand)
def verify(workspace: Workspace = None) -> None:
    """Read all archives and compare them with their manifests.

    Example: tally archive verify
    """
    from tally.archive import upkeep
    from tally.archive.stretch import load_archives

    wrong = count = 0
    with _opened() as (connection, storage):
        chosen = _find(connection, workspace)[0] if workspace else None
        for one, problem in upkeep.verify(connection, storage, load_archives(connection, chosen, "archived")):
            count += 1
            wrong += bool(problem)
            echo(f"{one.workspace}, {one.stretch}: {problem or 'as it was archived'}")
    if wrong:
        raise typer.Exit(FAILED)
    echo(f"All {count:,} are whole." if count else NOTHING)


@contextmanager
def _opened() -> "Iterator[tuple[Connection, Store]]":
    from tally.archive.storage import open_storage
    from tally.storage.postgres import connect_operator

    storage = open_storage()
    with connect_operator() as connection:
        yield connection, storage


def _tell(name: str, stretch: "Stretch", _: "Manifest") -> None:
    echo(f"Archived {stretch} of {name}.")


def _archive_month(connection: "Connection", storage: "Store", month: str, workspace: str | None) -> None:
    from tally.archive.leaving import Leaving
    from tally.archive.stretch import Stretch
    from tally.archive.upkeep import archive_one
    from tally.cli.meter import RowMeter

    stretch = Stretch.of_month(month)
    if workspace is None:
        raise TallyError("Name the workspace whose month is to be archived, with --workspace.")
    workspace_id, name = _find(connection, workspace)
    with RowMeter() as meter:
        manifest = archive_one(Leaving(connection, storage, workspace_id, stretch, meter.show))
    rows = sum(table.rows for table in manifest.tables.values())
    echo(f"Archived {rows:,} records of {month} of {name} in {manifest.bytes / 1e6:,.1f} MB.")


def _find(connection: "Connection", wanted: str) -> "tuple[UUID, str]":
    query = "select w.id, w.name from public.workspaces as w where w.id::text = lower(%s) or w.name = %s"
    found = connection.execute(query, [wanted, wanted]).fetchall()
    if not found:
        raise TallyError(f"There is no workspace “{wanted}”. `tally workspaces` lists those of your account.")
    if len(found) > 1:
        raise TallyError(f"{len(found)} workspaces are named “{wanted}”. Give the id of one.")
    return found[0][0], found[0][1]


def _list_with_setting(connection: "Connection") -> "Sequence[tuple[UUID, str]]":
    query = "select w.id, w.name from public.workspaces as w where w.archive_days is not null order by w.id"
    return connection.execute(query).fetchall()


def _only_one(having: "dict[UUID, str]", month: str) -> "tuple[UUID, str]":
    if not having:
        raise TallyError(f"Nothing of {month} is archived. `tally archive list` shows what is.")
    if len(having) > 1:
        raise TallyError(f"{len(having)} workspaces archived {month}. Name one with --workspace.")
    return next(iter(having.items()))


def _describe(one: "Archive") -> dict[str, Any]:
    return {
        "workspace": one.workspace,
        "workspace_id": str(one.workspace_id),
        "days": str(one.stretch),
        "state": one.state,
        "records": one.records + one.statements,
        "bytes": one.bytes,
        "problem": one.problem,
    }


def _cells(one: "Archive") -> list[str]:
    return [
        one.workspace,
        str(one.stretch),
        one.state,
        one.problem or "-",
        str(one.workspace_id),
        f"{one.records + one.statements:,}",
        f"{one.bytes / 1e6:,.1f}",
    ]
