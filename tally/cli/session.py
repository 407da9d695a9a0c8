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
) -> None:
    """Sign in to the account that this machine collects into.

    Example: tally login --email ada@example.com
    """
    from tally.accounts.cli_session import find_local_project, sign_in  # lazily: takes half a second

    known_address, known_key = find_local_project()
    address = address or known_address or typer.prompt("Address of the Supabase project")
    key = (
        (key or "").strip()
        or (known_key if address == known_address else None)
        or typer.prompt("Publishable key")
    )
    email = email or typer.prompt("Email")
    password = _read_password() if password_stdin else typer.prompt("Password", hide_input=True)
    account = sign_in(collecting_folder(), str(address), str(key), str(email), password)
    echo(f"Signed in as {account.email}. Run `tally collect` to send this machine's logs.")


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
