"""A few warm connections to the database, lent to one request or batch at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolClosed, PoolTimeout

from api.settings import NO_DATABASE
from tally.api_keys.verification import Grant
from tally.core.errors import TallyError
from tally.serving.schema_state import check_schema
from tally.storage.database import DatabaseError, Unreachable
from tally.storage.postgres import PostgresDatabase, describe_failure

PROGRAM = "Tally API"
WARM, MOST = 2, 8
WAIT_SECONDS = 5.0  # for a connection; clients retry what is refused
AWAY = "The database cannot be reached right now. Send this again in a moment."
NOT_AN_ADDRESS = (
    "API_DATABASE_URL is not a Postgres address such as postgresql://tally_api:password@host:5432/postgres."
)

OWN_SENTENCE = "22023"

Connection = psycopg.Connection[Any]
T = TypeVar("T")


class Pool:
    """Connections in autocommit. They prepare nothing, so that poolers of hosted projects may stand between.

    Without a connection string, every request is told that there is none.
    """

    def __init__(self, url: str | None) -> None:
        self.has_url = url is not None
        try:
            conninfo_to_dict(url or "")
        except psycopg.Error:
            raise TallyError(NOT_AN_ADDRESS) from None
        options = {"autocommit": True, "prepare_threshold": None, "connect_timeout": 5}
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url or "",
            kwargs=options,
            min_size=WARM,
            max_size=MOST,
            timeout=WAIT_SECONDS,
            check=ConnectionPool.check_connection,
            name="api",
            open=False,
        )

    def open(self) -> None:
        """Begin to connect, without waiting for it."""
        if self.has_url:
            self._pool.open(wait=False)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for a while; raises DatabaseError."""
        if not self.has_url:
            raise Unreachable(NO_DATABASE)
        try:
            with self._pool.connection() as connection:
                yield connection
        except (PoolTimeout, PoolClosed):
            raise Unreachable(AWAY) from None
        except psycopg.Error as error:
            raise describe_failure(error) from error

    def check(self) -> None:
        """Raise DatabaseError or SchemaProblem unless requests can be answered."""
        with self.connection() as connection:
            check_schema(connection)

    def act(self, grant: Grant, act: Callable[[PostgresDatabase], T]) -> T:
        """Do something as the owner of a key; raises DatabaseError."""
        with self.connection() as connection:
            return act(act_as_owner(connection, grant))


def act_as_owner(connection: Connection, grant: Grant) -> PostgresDatabase:
    """The database as the owner of a key may use it, in the key's workspace."""
    return PostgresDatabase(connection, grant.user_id, grant.workspace_id, f"{PROGRAM}, key {grant.name}")


def is_own_sentence(error: DatabaseError) -> bool:
    """True for what one of Tally's SQL functions refused, with a sentence for the caller."""
    return getattr(error.__cause__, "sqlstate", None) == OWN_SENTENCE
