"""Folds of changed days soon after saves, so that reads stay fast between nightly runs."""

import psycopg
from procrastinate import JobContext

from forecasting.jobs.connections import task_connection
from forecasting.jobs.queue import queue
from forecasting.jobs.surroundings import surroundings_of

APPLICATION_NAME = "tally folding"

NEWEST_MARK = "select s.gen::text from private.stale_days as s order by s.gen desc limit 1"
FOLD = "select public.fold_stale_days()"
VACUUM = "vacuum (analyze) private.stale_days, private.overridden_days, private.folded_days"

_told: set[str] = set()  # by this worker, which tells each reason once


@queue.task(name="fold", queueing_lock="fold", lock="fold", pass_context=True)
def fold(context: JobContext) -> None:
    """Fold all stale days. Reads stay exact when it fails; the next check asks again."""
    surroundings = surroundings_of(context)
    try:
        fold_days(surroundings.database_url)
    except psycopg.OperationalError:
        return  # the database is restarting
    except psycopg.Error as problem:
        text = f"Changed days could not be folded; retrying. {problem.diag.message_primary}."
        if text not in _told:
            surroundings.notify(text)
        _told.add(text)


def fold_days(database_url: str) -> int:
    """Fold all stale days in short transactions, and return their number."""
    folded = 0
    with task_connection(database_url, APPLICATION_NAME) as connection:
        while (row := connection.execute(FOLD).fetchone()) and row[0]:
            folded += row[0]
        if folded:
            connection.execute(VACUUM)
    return folded
