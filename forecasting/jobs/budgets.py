"""Budgets, evaluated by the clock and after each new forecast."""

from uuid import UUID

from procrastinate import JobContext

from forecasting.jobs.connections import task_connection
from forecasting.jobs.queue import queue
from forecasting.jobs.reforecasting import AFTER_FORECAST
from forecasting.jobs.surroundings import surroundings_of

APPLICATION_NAME = "tally budgets"
QUARTERLY = "*/15 * * * *"  # of an hour: periods begin and end without any change


@queue.periodic(cron=QUARTERLY)
@queue.task(name="budgets", queueing_lock="budgets", lock="budgets", pass_context=True)
def evaluate_all(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """Evaluate the budgets of all workspaces."""
    evaluate_budgets(surroundings_of(context).database_url)


@queue.task(name="budgets of a workspace", pass_context=True)
def evaluate_one(context: JobContext, workspace_id: str) -> None:
    """Evaluate the budgets of one workspace, whose forecast is new."""
    evaluate_budgets(surroundings_of(context).database_url, UUID(workspace_id))


AFTER_FORECAST.append("budgets of a workspace")


def evaluate_budgets(database_url: str, workspace_id: UUID | None = None) -> None:
    """Evaluate on a connection of its own."""
    from tally.budgets.evaluation import evaluate  # an idle worker does without it

    with task_connection(database_url, APPLICATION_NAME) as connection:
        evaluate(connection, None if workspace_id is None else [workspace_id])
