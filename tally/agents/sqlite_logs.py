"""Logs in SQLite databases."""

import os
from collections.abc import Callable, Iterable
from contextlib import closing
from errno import EBUSY
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from tally.agents.events import Event, ParsedPart

if TYPE_CHECKING:  # importing it takes longer than printing a stored report should
    from sqlite3 import Connection

PATIENCE = 10  # seconds for an agent to finish writing
PRIMARY_CODE = 0xFF  # the bits of SQLite's result codes without their details
Row = TypeVar("Row")


def parse_rows(
    path: Path, load: "Callable[[Connection], Iterable[Row]]", read: Callable[[Row], Event | None]
) -> ParsedPart:
    """Return the requests in a database's rows; it is read only, which is safe while the agent writes.

    Raises OSError where the agent does not let go of it, or where it may not be opened.
    """
    import sqlite3

    part = ParsedPart()
    try:
        address = f"file:{quote(os.fsencode(path))}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=PATIENCE)) as database:
            database.row_factory = sqlite3.Row
            part.read(load(database), read)
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & PRIMARY_CODE
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN):
            raise OSError(EBUSY, str(error)) from None
        part.reject("the database cannot be read")
    return part


def list_columns(database: "Connection", table: str) -> set[str]:
    """List the columns of a table; none where it does not exist."""
    return {row[1] for row in database.execute(f"pragma table_info({table})")}
