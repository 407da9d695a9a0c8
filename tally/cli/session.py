"""`tally login` and `logout`: the session that this machine collects with."""

import sys
from typing import Annotated

import typer

from tally.agents.machine import collecting_folder
from tally.cli.output import echo
from tally.core.errors import TallyError


def login(
    email: Annotated[str | None, typer.Option(metavar="EMAIL", help="Email address of the account.")] = None,
    address: Annotated[
        str | None, typer.Option(metavar="URL", help="Address of Tally's Supabase project.")
    ] = None,
    key: Annotated[str | None, typer.Option(metavar="KEY", help="The project's publishable key.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    workspace: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Name or id of the workspace to collect into (default: the personal one)."
        ),
    ] = None,
) -> None:
    """Sign in on this machine and choose its workspace.

    Example: tally login --email ada@example.com --workspace Acme
    """
    from tally.accounts.cli_session import (  # lazily: takes half a second
        Credentials,
        find_local_project,
        sign_in,
    )

    known_address, known_key = find_local_project()
    address = address or known_address or _ask("Address of the Supabase project")
    key = (key or "").strip() or (known_key if address == known_address else None) or _ask("Publishable key")
    email = email or _ask("Email")
    password = _read_password() if password_stdin else _ask("Password", hide_input=True)
    credentials = Credentials(str(address), str(key), str(email), password, workspace)
    session, workspaces = sign_in(collecting_folder(), credentials)
    into = f" to “{session.workspace_name}”" if session.workspace_id != session.user_id else ""
    echo(f"Signed in as {session.email}. Run `tally collect` to send this machine's logs{into}.")
    others = [one.name for one in workspaces if one.id != session.workspace_id]
    if others:
        echo(f"Your other workspaces: {', '.join(others)}. Choose one with `tally login --workspace NAME`.")


def _ask(label: str, hide_input: bool = False) -> str:
    """The answer on the terminal; raises TallyError where nobody answers."""
    try:
        return str(typer.prompt(label, hide_input=hide_input))
    except typer.Abort:
        if sys.stdin and sys.stdin.isatty():
            raise
        raise TallyError(
            "There is no terminal to ask on. Name the account with --email, and send the password on "
            "standard input with --password-stdin."
        ) from None


def _read_password() -> str:
    """The first line of standard input; raises TallyError unless it is text."""
    try:
        password = sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
        password.encode()
    except UnicodeError:
        raise TallyError(
            "The password on standard input is not text in UTF-8. Check what sends it."
        ) from None
    return password


def logout() -> None:
    """Sign out on this machine; collected data stays.

    Example: tally logout
    """
    from tally.accounts.cli_session import sign_out  # lazily: takes half a second

    typer.echo("Signed out." if sign_out(collecting_folder()) else "Not signed in.")
