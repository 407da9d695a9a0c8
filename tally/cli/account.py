"""The account and workspace that an operator's command acts on."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from tally.core.environment import load_environment
from tally.storage.database import Database
from tally.storage.postgres import PostgresDatabase, connect_operator, find_user
from tally.storage.workspaces import find_workspace, list_workspaces

Email = Annotated[
    str, typer.Option(metavar="EMAIL", help="Email address of the account.", show_default=False)
]
SessionOrEmail = Annotated[
    str | None,
    typer.Option(
        metavar="EMAIL",
        help="Email address of the account (default: the one this machine is signed in to).",
        show_default=False,
    ),
]
WorkspaceName = Annotated[
    str | None,
    typer.Option(
        "--workspace", metavar="NAME", help="Name or id of a workspace (default: the personal one)."
    ),
]


@contextmanager
def acting_as(email: str, program: str, workspace: str | None = None) -> Iterator[Database]:
    """The database as this account sees it in a workspace, under its row-level security.

    `program` is what the audit log names. Raises TallyError when there is no such account or workspace, or
    the database does not answer.
    """
    with connect_operator() as connection:
        database = PostgresDatabase(connection, find_user(connection, email), program=program)
        yield choose_workspace(database, workspace)


@contextmanager
def acting_here(email: str | None, program: str, workspace: str | None = None) -> Iterator[Database]:
    """The database as the operator for an email, else with this machine's session; raises TallyError."""
    if email is not None:
        with acting_as(email, program, workspace) as database:
            yield database
        return
    from tally.accounts.cli_session import open_database  # lazily: takes half a second
    from tally.agents.machine import collecting_folder

    yield open_database(collecting_folder(), workspace)[1]


def find_origin(email: str | None) -> str | None:
    """The address of the Tally that `acting_here` acts on; None where it is not known here."""
    known = load_environment()
    if email is None:
        from tally.accounts.cli_session import load_session  # lazily: takes half a second
        from tally.agents.machine import collecting_folder

        address = load_session(collecting_folder()).address
        if address.rstrip("/") != known.get("supabase_url", "").rstrip("/"):
            return None
    return known.get("app_origin")


def choose_workspace(database: Database, asked: str | None) -> Database:
    """The database in the workspace with this name or id, or as it is; raises UnknownName."""
    if asked is None:
        return database
    return database.in_workspace(find_workspace(list_workspaces(database), asked).id)
