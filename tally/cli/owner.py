"""`tally owner`: the account that may do what concerns the machine itself."""

from typing import Annotated

import typer

from tally.cli.output import echo
from tally.core.errors import TallyError
from tally.storage.postgres import connect_operator

NAMED = """
    insert into private.installation (owner_id)
    select id from auth.users where email = lower(%s)
    on conflict (only_row) do update set owner_id = excluded.owner_id
    returning owner_id"""
OWNER = "select u.email from auth.users as u where u.id = private.installation_owner()"


def owner(
    email: Annotated[
        str | None, typer.Argument(metavar="[EMAIL]", help="The account to make the owner.")
    ] = None,
) -> None:
    """Show or change whose installation this is.

    Only its owner, at first the first account, may scan the machine's logs from the dashboard.

    Example: tally owner ada@example.com
    """
    with connect_operator() as connection:
        if email is not None and not connection.execute(NAMED, [email.strip()]).fetchall():
            raise TallyError(
                f"There is no account with the address {email.strip()}. Invite it to a workspace first."
            )
        found = connection.execute(OWNER).fetchone()
    echo(f"The owner of this installation is {found[0]}." if found else "There is no account yet.")
