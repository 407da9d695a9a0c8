"""The bound on transactions that nobody goes on with: they hold back every workspace's folds."""

from typing import Any

import psycopg

# No program leaves a transaction alone for so long, unless it is stopped or was cut off.
IDLE_SECONDS = 300
SET_LIMIT = "select set_config('idle_in_transaction_session_timeout', %s, false)"


def end_idle_transactions(connection: psycopg.Connection[Any]) -> None:
    """Let the server end this connection when it has left a transaction alone."""
    connection.execute(SET_LIMIT, [f"{IDLE_SECONDS * 1000:.0f}ms"])


async def end_idle_transactions_async(connection: psycopg.AsyncConnection[Any]) -> None:
    """The same."""
    await connection.execute(SET_LIMIT, [f"{IDLE_SECONDS * 1000:.0f}ms"])
