"""Alerts of models that fail or are slow, by the clock."""

from procrastinate import JobContext

from forecasting.jobs.connections import task_connection
from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import surroundings_of

APPLICATION_NAME = "tally model alerts"
EVERY_FIVE_MINUTES = "*/5 * * * *"


@queue.periodic(cron=EVERY_FIVE_MINUTES)
@queue.task(name="model alerts", queueing_lock="model alerts", lock="model alerts", pass_context=True)
def judge_models(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """Judge the models of all workspaces with limits."""
    evaluate_models_of(surroundings_of(context).database_url)


def evaluate_models_of(database_url: str) -> None:
    """Evaluate on a connection of its own."""
    from tally.alerts.performance import evaluate_models  # an idle worker does without it

    with task_connection(database_url, APPLICATION_NAME) as connection:
        evaluate_models(connection)
