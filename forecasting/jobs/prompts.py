"""Prompts and versions that records name, registered by the clock."""

import psycopg
from procrastinate import JobContext

from forecasting.jobs.connections import task_connection
from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import surroundings_of

APPLICATION_NAME = "tally prompts"
EVERY_THREE_MINUTES = "*/3 * * * *"

DUE = "select w.id from private.unregistered_workspaces() as w (id) order by w.id"
REGISTER = "select private.register_prompts(%s)"


@queue.periodic(cron=EVERY_THREE_MINUTES)
@queue.task(name="prompts", queueing_lock="prompts", lock="prompts", pass_context=True)
def register_prompts(context: JobContext, timestamp: int) -> None:  # noqa: ARG001 - given by the schedule
    """Register what the records of all workspaces name that saved any."""
    surroundings = surroundings_of(context)
    try:
        for problem in register_prompts_of(surroundings.database_url):
            surroundings.notify(problem)
    except psycopg.OperationalError:
        return  # the database is restarting


def register_prompts_of(database_url: str) -> list[str]:
    """Register workspace by workspace, and return what failed: one failure stops no other workspace."""
    problems = []
    with task_connection(database_url, APPLICATION_NAME) as connection:
        for (workspace_id,) in connection.execute(DUE).fetchall():
            try:
                connection.execute(REGISTER, [workspace_id])
            except psycopg.Error as problem:
                if connection.closed:
                    raise
                reason = problem.diag.message_primary
                problems.append(f"Prompts of workspace {workspace_id} could not be registered. {reason}.")
    return problems
