"""The operator's database connection, for the command line."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from tally.core.settings import load_settings, require_database_url
from tally.storage.database import DatabaseError
from tally.storage.postgres import describe_failure


@contextmanager
def operating() -> Iterator[psycopg.Connection[Any]]:
    """Connect past row-level security, in autocommit; raises DatabaseError."""
    try:
        connection = psycopg.connect(
            require_database_url(load_settings()), connect_timeout=10, autocommit=True
        )
    except psycopg.OperationalError:
        raise DatabaseError(
            "The database cannot be reached. Start Tally with `make up`, then try again."
        ) from None
    except psycopg.ProgrammingError:
        raise DatabaseError(
            "DATABASE_URL is not a Postgres address such as postgresql://postgres:password@host:5432/postgres."
        ) from None
    with closing(connection):
        try:
            yield connection
        except psycopg.Error as error:
            raise describe_failure(error) from None
