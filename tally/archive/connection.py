"""The database connection of archives, in autocommit, and the lock of a workspace's."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg

from tally.archive.problems import ArchiveBusy

Connection = psycopg.Connection[Any]


@contextmanager
def archive_lock(connection: Connection, workspace_id: UUID) -> Iterator[None]:
    """Keep other archives and restores of a workspace out; raises ArchiveBusy where one is running."""
    key = "private.archive_lock(%s)"
    [[taken]] = connection.execute(f"select pg_try_advisory_lock({key})", [workspace_id]).fetchall()
    if not taken:
        raise ArchiveBusy
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute(f"select pg_advisory_unlock({key})", [workspace_id])
