"""The connections of the dashboard's shared state, as the role tally_web."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool, PoolTimeout

from app.auth.session_store import StoreUnreachable
from tally.core.errors import TallyError
from tally.serving.schema_state import check_schema
from tally.serving.settings import load_serving_settings

LOG = logging.getLogger(__name__)
WARM, MOST = 1, 6
WAIT_SECONDS = 5.0
REST_SECONDS = 1.0  # a database that does not answer is left alone for so long: its pages wait for nothing
NOT_AN_ADDRESS = (
    "TALLY_WEB_DATABASE_URL is not a Postgres address such as "
    "postgresql://tally_web:password@host:5432/postgres."
)


class SharedDatabase:
    """Calls functions of the database; raises StoreUnreachable where it does not answer."""

    def __init__(self, url: str) -> None:
        try:
            conninfo_to_dict(url)
        except psycopg.Error:
            raise TallyError(NOT_AN_ADDRESS) from None
        # They prepare nothing, so that poolers of hosted projects may stand between.
        options = {
            "autocommit": True,
            "prepare_threshold": None,
            "connect_timeout": 5,
            "application_name": "tally web",
        }
        self._pool: ConnectionPool[psycopg.Connection[Any]] = ConnectionPool(
            url,
            kwargs=options,
            min_size=WARM,
            max_size=MOST,
            timeout=WAIT_SECONDS,
            check=ConnectionPool.check_connection,
            name="shared state",
            open=True,
        )
        self._away_until = -math.inf

    def call(self, function: str, *arguments: object) -> tuple[Any, ...] | None:
        """The first row that one of the functions in `private` returns."""
        values = sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
        query = sql.SQL("select * from private.{}({})").format(sql.Identifier(function), values)
        with self._connection() as connection:
            row: tuple[Any, ...] | None = connection.execute(query, arguments).fetchone()
            return row

    def check(self) -> None:
        """Raise StoreUnreachable or SchemaProblem unless it can be used."""
        with self._connection() as connection:
            check_schema(connection)

    def close(self) -> None:
        """Close the connections."""
        self._pool.close()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        if time.monotonic() < self._away_until:
            raise StoreUnreachable
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.Error, PoolTimeout) as problem:
            LOG.warning("The session store does not answer: %s", problem)
            self._away_until = time.monotonic() + REST_SECONDS
            raise StoreUnreachable from problem


@cache
def shared_database() -> SharedDatabase:
    """The one pool of this process; raises TallyError for settings that cannot be meant."""
    return SharedDatabase(load_serving_settings().web_database)
