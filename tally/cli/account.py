"""The account that an operator's command acts on, chosen by email."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from tally.storage.database import Database
from tally.storage.postgres import PostgresDatabase, connect_operator, find_user

Email = Annotated[
    str, typer.Option(metavar="EMAIL", help="Email address of the account.", show_default=False)
]


@contextmanager
def acting_as(email: str) -> Iterator[Database]:
    """The database as this account sees it, under its row-level security.

    Raises DatabaseError when there is no such account or the database does not answer.
    """
    with connect_operator() as connection:
        yield PostgresDatabase(connection, find_user(connection, email))
