"""The nightly run's database connection, and the lock that keeps a second run from starting."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from tally.core.errors import TallyError
from tally.core.paths import START
from tally.storage.idle import end_idle_transactions

Connection = psycopg.Connection[tuple[Any, ...]]

APPLICATION_NAME = "tally nightly"
# A forgotten transaction fails the steps that need its locks, not every later night.
LOCK_SECONDS = 60
# Of one statement about one workspace: a usual one takes less than a second, and others wait for it.
STATEMENT_SECONDS = 120.0


class DatabaseProblem(TallyError):
    """The database is unreachable, was lost, or refused a statement."""


@contextmanager
def connect(database_url: str) -> Iterator[Connection]:
    """Yield an autocommit connection; its errors are raised as DatabaseProblem."""
    connection = _open(database_url)
    try:
        connection.execute("set work_mem = '64MB'")  # halves the time of a refresh
        connection.execute("select set_config('lock_timeout', %s, false)", [f"{LOCK_SECONDS}s"])
        end_idle_transactions(connection)
        yield connection
    except psycopg.Error as error:
        raise _explain(connection, error) from error
    finally:
        connection.close()


def end_with_client(connection: Connection) -> None:
    """Let the server end a statement soon after this process was killed, so that its locks are released.

    Where the server's system cannot, the statement ends by its timeout.
    """
    with suppress(psycopg.errors.InvalidParameterValue):
        connection.execute("set client_connection_check_interval = '1s'")


@contextmanager
def bounded_transaction(connection: Connection) -> Iterator[None]:
    """Begin a transaction, or a savepoint in one, for one workspace: its statements may not take for ever."""
    with connection.transaction():
        limit = f"{STATEMENT_SECONDS * 1000:.0f}ms"
        connection.execute("select set_config('statement_timeout', %s, true)", [limit])
        yield


def leave_transaction(connection: Connection) -> None:
    """Roll back what a signal interrupted: psycopg forbids its own `rollback` in a block that was left."""
    if connection.info.transaction_status != TransactionStatus.IDLE:
        connection.pgconn.exec_(b"rollback")


def _open(database_url: str) -> Connection:
    try:
        return psycopg.connect(
            database_url, autocommit=True, application_name=APPLICATION_NAME, connect_timeout=10
        )
    except psycopg.Error:
        raise DatabaseProblem(
            f"The database does not answer. Start Tally with `{START}`, or check DATABASE_URL."
        ) from None


def _explain(connection: Connection, error: psycopg.Error) -> DatabaseProblem:
    if connection.closed:
        return DatabaseProblem(
            "The database connection was lost during the nightly run. Nothing is half-written:"
            " run `tally nightly` again when the database is back."
        )
    return DatabaseProblem(
        f"The database refused: {first_line(error)}. Run `tally doctor` to check its schema."
    )


def first_line(error: psycopg.Error) -> str:
    """The error message of Postgres without its context and full stop."""
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return f"another transaction kept its locks for {LOCK_SECONDS} s"
    return str(error.diag.message_primary or error).splitlines()[0].rstrip(".")


def has_worker(connection: Connection) -> bool:
    """True if a worker was seen lately."""
    query = "select from private.worker_seen as w where w.seen_at > now() - interval '90 seconds'"
    return connection.execute(query).rowcount > 0


def take_lock(connection: Connection) -> bool:
    """Try to take the lock of the nightly run; false while another run holds it.

    Postgres releases it when the connection ends, so a killed run leaves no lock.
    """
    taken = connection.execute("select pg_try_advisory_lock(hashtextextended('tally.nightly', 0))").fetchone()
    return bool(taken and taken[0])
