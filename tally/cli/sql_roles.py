"""`tally keys sql`: the login roles with which BI tools read a workspace."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here
from tally.cli.command import TallyCommand
from tally.cli.output import echo

if TYPE_CHECKING:
    from tally.api_keys.sql_roles import MadeRole

NOTHING_YET = "No SQL roles yet. Make one with `tally keys sql create NAME`, or on the Keys page."

sql_roles = typer.Typer(
    help="Manage the SQL roles of BI tools, which read one workspace.\n\nExample: tally keys sql list",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@sql_roles.command("list", cls=TallyCommand)
def list_roles(
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """List the SQL roles of a workspace. Admins alone see them.

    Example: tally keys sql list
    """
    from tally.api_keys.sql_roles import list_sql_roles

    with acting_here(email, "tally keys sql list", workspace) as database:
        found = list_sql_roles(database)
    rows = [[role.name, role.role_name, role.created_at.date().isoformat()] for role in found]
    if as_json:
        named = [dict(zip(("name", "user", "created"), row, strict=True)) for row in rows]
        typer.echo(json.dumps({"sql_roles": named}, indent=2))
        return
    if not rows:
        echo(NOTHING_YET)
        return
    from tally.cli.tables import print_table

    print_table(("Name", "User", "Made on"), (), rows)


@sql_roles.command(cls=TallyCommand)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the role.", show_default=False)],
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Make a SQL role and print its connection string, once, on standard output.

    Example: tally keys sql create Metabase
    """
    from tally.api_keys.sql_roles import create_sql_role

    with acting_here(email, "tally keys sql create", workspace) as database:
        made = create_sql_role(database, name)
    echo(f"Made the SQL role “{name.strip()}”. Its password is not shown again.", err=True)
    _explain_server(made)
    typer.echo(made.url)


@sql_roles.command(cls=TallyCommand)
def remove(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="Name or user of a role.", show_default=False)],
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
) -> None:
    """Remove a SQL role and end its sessions.

    Example: tally keys sql remove Metabase
    """
    from tally.api_keys.sql_roles import find_sql_role, list_sql_roles, remove_sql_role

    with acting_here(email, "tally keys sql remove", workspace) as database:
        found = find_sql_role(list_sql_roles(database), role)
        remove_sql_role(database, found.id)
    echo(f"Removed the SQL role “{found.name}” ({found.role_name}).")


def _explain_server(made: "MadeRole") -> None:
    if made.host is None:
        echo("Put the address of your database in the place of <host>.", err=True)
