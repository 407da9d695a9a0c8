"""Rows for the analytics engine, shipped soon after saves, and looked for by the clock."""

from contextlib import suppress
from time import monotonic

import psycopg
from procrastinate import JobContext

from forecasting.jobs.connections import task_connection
from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import Surroundings, surroundings_of
from tally.core.settings import load_settings

APPLICATION_NAME = "tally shipping"
EVERY_FIVE_MINUTES = "*/5 * * * *"
LONGEST_SECONDS = 300.0  # of one job; the next look asks for another

NO_ADDRESS = "TALLY_CLICKHOUSE_URL is missing. Set it, or do without the engine by `tally analytics off`."

_prepared: set[str] = set()  # addresses that this worker's first job looked at
_told: set[str] = set()  # kinds of problems; this worker tells each once


@queue.task(name="ship", queueing_lock="ship", lock="ship", pass_context=True)
def ship(context: JobContext) -> None:
    """Ship what is due. Nothing is lost when it fails; a look 15 seconds later asks again."""
    ship_due(surroundings_of(context))


@queue.periodic(cron=EVERY_FIVE_MINUTES)
@queue.task(name="mind engine", queueing_lock="mind engine", lock="mind engine", pass_context=True)
def mind_engine(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """Put a new engine to use, and build over one that is ahead of a restored database."""
    ship_due(surroundings_of(context), prepares=True)


def ship_due(surroundings: Surroundings, prepares: bool = False) -> None:
    """Ship on a connection of its own, where there is an engine."""
    address = load_settings().tally_clickhouse_url
    if address is None and prepares:
        return
    with task_connection(surroundings.database_url, APPLICATION_NAME) as connection:
        if address is not None:
            _ship(surroundings, connection, address.get_secret_value(), prepares)
        else:
            _wait_for_address(surroundings, connection)


def _wait_for_address(surroundings: Surroundings, connection: psycopg.Connection) -> None:
    """Say that an engine is in use whose address is missing, and join what gathers meanwhile."""
    from tally.analytics import outbox

    if outbox.find_installation(connection) is not None:
        _tell(surroundings, connection, "missing", NO_ADDRESS)


def _tell(surroundings: Surroundings, connection: psycopg.Connection, kind: str, problem: str) -> None:
    from tally.analytics import outbox

    with suppress(psycopg.errors.LockNotAvailable):
        outbox.note_problem(connection, problem)
    if kind not in _told:
        surroundings.notify(f"Rows wait for the analytics engine; retrying. {problem}")
    _told.add(kind)


def _ship(surroundings: Surroundings, connection: psycopg.Connection, address: str, prepares: bool) -> None:
    from tally.analytics import building  # an idle worker does without the engine's client
    from tally.analytics.client import EngineError, open_engine
    from tally.analytics.shipping import Shipper

    ends_at = monotonic() + LONGEST_SECONDS
    try:
        client = open_engine(address)
        try:
            if prepares or address not in _prepared:
                building.prepare(connection, client)
                _prepared.add(address)
            while Shipper(connection, client).ship() and monotonic() < ends_at:
                pass
        finally:
            client.close()
    except psycopg.errors.LockNotAvailable:
        return  # another program ships, or builds
    except EngineError as problem:
        _tell(surroundings, connection, type(problem).__name__, str(problem))
