"""The state of the analytics engine: does it answer, how far is it behind?"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psycopg

if TYPE_CHECKING:
    from tally.analytics.state import State

CONNECT_SECONDS = 5
GATHERING = (
    "changes gather for an engine that TALLY_CLICKHOUSE_URL does not name; set it, or run "
    "`tally analytics off`"
)
UNKNOWN = "how far it is behind is unknown without the database"


def query_engine(address: str | None, database_url: str | None) -> tuple[bool, str] | None:
    """True if all is well with the engine, and its state in words; None without one."""
    is_known, state = _load_state(database_url)
    if address is None:
        return (False, GATHERING) if state is not None else None
    from tally.analytics.client import EngineError, check_schema, open_engine
    from tally.analytics.state import describe

    if not is_known:
        return True, UNKNOWN
    if state is None:
        return False, "not in use yet; a worker puts it to use, or run `tally analytics rebuild`"
    if urlsplit(address).scheme != "chdb":  # whose folder is open in another process
        try:
            client = open_engine(address)
            try:
                check_schema(client, state.installation)
            finally:
                client.close()
        except EngineError as problem:
            return False, str(problem)
    return state.problem is None, describe(state)


def hide_password(address: str) -> str:
    """The address without its account."""
    parts = urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{host}{parts.path}"


def _load_state(database_url: str | None) -> tuple[bool, State | None]:
    from tally.analytics.state import load_state

    if database_url is None:
        return False, None
    try:
        with psycopg.connect(database_url, connect_timeout=CONNECT_SECONDS) as connection:
            return True, load_state(connection)
    except psycopg.Error:
        return False, None
