"""Messages about alerts, sent within seconds of being due."""

import psycopg
from procrastinate import JobContext

from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import surroundings_of
from tally.core.settings import load_settings

APPLICATION_NAME = "tally alerts"


@queue.task(name="deliver", queueing_lock="deliver", lock="deliver", pass_context=True)
def deliver(context: JobContext) -> None:
    """Send what is due; what cannot be sent waits for its next attempt."""
    deliver_messages(surroundings_of(context).database_url)


def deliver_messages(database_url: str) -> None:
    """Send what is due on a connection of its own."""
    from tally.notifications.delivery import deliver_due  # an idle worker does without HTTP and mail

    with psycopg.connect(
        database_url, application_name=APPLICATION_NAME, autocommit=True, connect_timeout=5
    ) as connection:
        deliver_due(connection, load_settings())
