"""Messages about alerts, sent within seconds of being due."""

from procrastinate import JobContext

from forecasting.jobs.connections import task_connection
from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import surroundings_of
from tally.core.settings import load_settings

APPLICATION_NAME = "tally alerts"
ONCE_A_DAY = "27 4 * * *"
EVERY_TEN_MINUTES = "*/10 * * * *"


@queue.task(name="deliver", queueing_lock="deliver", lock="deliver", pass_context=True)
def deliver(context: JobContext) -> None:
    """Send what is due; what cannot be sent waits for its next attempt."""
    deliver_messages(surroundings_of(context).database_url)


@queue.periodic(cron=ONCE_A_DAY)
@queue.task(name="forget_alerts", queueing_lock="forget_alerts", lock="forget_alerts", pass_context=True)
def forget_alerts(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """Forget events and messages of long ago."""
    with task_connection(surroundings_of(context).database_url, APPLICATION_NAME) as connection:
        connection.execute("select private.forget_old_events()")


@queue.periodic(cron=EVERY_TEN_MINUTES)
@queue.task(name="send_days", queueing_lock="send_days", lock="send_days", pass_context=True)
def send_days(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """Put the costs of days that are over, or changed, into the queue of webhooks."""
    from tally.notifications.days import enqueue_days  # an idle worker does without HTTP and mail

    with task_connection(surroundings_of(context).database_url, APPLICATION_NAME) as connection:
        enqueue_days(connection)


def deliver_messages(database_url: str) -> None:
    """Send what is due on a connection of its own."""
    from tally.notifications.delivery import deliver_due  # an idle worker does without HTTP and mail

    with task_connection(database_url, APPLICATION_NAME) as connection:
        deliver_due(connection, load_settings())
