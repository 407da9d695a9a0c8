"""Sentences for a database that ends while a command works on it."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from tally.core.errors import TallyError
from tally.storage.database import UNREACHABLE


class Interrupted(TallyError):
    """The database ended meanwhile, or is recovering; what was begun can be repeated."""


@contextmanager
def naming_interruptions(command: str) -> Iterator[None]:
    """Raise Interrupted in place of the driver's error; `command` is what to run again."""
    try:
        yield
    except psycopg.OperationalError as error:
        if not is_interruption(error):
            raise
        raise Interrupted(
            f"The database stopped answering before this was done. Run `{command}` again in a moment; "
            "nothing is lost."
        ) from None


def is_interruption(error: psycopg.Error) -> bool:
    """True if the connection was lost or refused; an error without a code came from no server."""
    return isinstance(error, psycopg.OperationalError) and (
        error.sqlstate is None or error.sqlstate in UNREACHABLE
    )
