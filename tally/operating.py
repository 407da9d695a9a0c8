"""The operator's own database connection, on the command line."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from tally.api import ApiError
from tally.postgres_api import describe_failure
from tally.settings import load_settings, require_database_url


@contextmanager
def operating() -> Iterator[psycopg.Connection[Any]]:
    """A connection past row-level security, in autocommit; ApiError when the database does not answer."""
    try:
        connection = psycopg.connect(
            require_database_url(load_settings()), connect_timeout=10, autocommit=True
        )
    except psycopg.OperationalError:
        raise ApiError(
            "The database cannot be reached. Start Tally with `make up`, then try again."
        ) from None
    except psycopg.ProgrammingError:
        raise ApiError(
            "DATABASE_URL is not a Postgres address such as postgresql://postgres:password@host:5432/postgres."
        ) from None
    with closing(connection):
        try:
            yield connection
        except psycopg.Error as error:
            raise describe_failure(error) from None
