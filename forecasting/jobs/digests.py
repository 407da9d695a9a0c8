"""The weekly and the monthly mails: what is due is sent within a quarter of an hour."""

from datetime import UTC, datetime

import psycopg
from procrastinate import JobContext

from forecasting.jobs.connections import task_connection
from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import surroundings_of
from tally.core.settings import SettingsMissing, load_settings

EVERY_QUARTER = "*/15 * * * *"
APPLICATION_NAME = "tally digests"


@queue.periodic(cron=EVERY_QUARTER)
@queue.task(name="digests", queueing_lock="digests", lock="digests", pass_context=True)
def send_digests(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """Send the mails that are due; the next look sends those that could not be sent."""
    try:
        send_now(surroundings_of(context).database_url)
    except psycopg.OperationalError:
        return  # the database is restarting


def send_now(database_url: str) -> int:
    """Send the mails that are due and return their number."""
    from tally.digests.send import send_due  # with templates and rates, which the idle worker does not need

    try:
        settings = load_settings()
    except SettingsMissing:
        return 0  # a worker with a database alone: there is no mail server either
    with task_connection(database_url, APPLICATION_NAME) as connection:
        return send_due(connection, settings, datetime.now(UTC))
