"""`tally workspaces`: the workspaces of an account."""

import json
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tally.agents.machine import collecting_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tally.storage.database import Database
    from tally.storage.workspaces import Workspace

TEXT_COLUMNS = ("Workspace", "Role", "Time zone", "Currency", "Id")
NUMBER_COLUMNS = ("Members",)


def workspaces(
    email: Annotated[
        str | None,
        typer.Option(metavar="EMAIL", help="Another account than the one this machine is signed in to."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the workspaces of the account.

    `tally login --workspace NAME` chooses the one that this machine collects into.

    Example: tally workspaces --json
    """
    from tally.storage.workspaces import list_workspaces  # lazily: takes half a second

    with _open_database(email) as database:
        found = list_workspaces(database)
    if as_json:
        typer.echo(json.dumps({"workspaces": [asdict(workspace) for workspace in found]}, indent=2))
        return
    from tally.cli.tables import print_table

    print_table(TEXT_COLUMNS, NUMBER_COLUMNS, _rows(found))


@contextmanager
def _open_database(email: str | None) -> "Iterator[Database]":
    """As the operator for an email, else with this machine's session."""
    if email is not None:
        from tally.cli.account import acting_as

        with acting_as(email, "tally workspaces") as database:
            yield database
    else:
        from tally.accounts.cli_session import open_account

        yield open_account(collecting_folder())[1]


def _rows(found: "Iterable[Workspace]") -> "Iterator[list[str]]":
    for workspace in found:
        text = (workspace.name, workspace.role, workspace.timezone, workspace.currency, workspace.id)
        yield [*text, f"{workspace.members:,}"]
