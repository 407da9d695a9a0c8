"""Runs of experiments, gathered from the records of each workspace."""

from collections.abc import Sequence
from functools import partial
from time import monotonic
from uuid import UUID

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import EXPERIMENTS, Problems
from forecasting.nightly.workspaces import Workspace

MAX_SECONDS = (
    900  # of all workspaces: those that are left come first in the next run, and when they are opened
)

GATHERING = "select private.gathering_experiments(%s)"
GATHER = """select private.gather_experiment(e) from public.experiments as e
    where e.id = %s and e.status = 'running'"""


def gather_all(connection: Connection, workspaces: Sequence[Workspace], problems: Problems) -> int:
    """Gather the runs of the experiments that run; returns of how many."""
    end = monotonic() + MAX_SECONDS
    count = 0
    for workspace in workspaces:
        for (experiment,) in connection.execute(GATHERING, [workspace.id]).fetchall():
            if monotonic() > end:
                return count
            gather = partial(_gather, connection, experiment)
            count += problems.attempt(workspace, EXPERIMENTS, gather) or 0
    return count


def _gather(connection: Connection, experiment: UUID) -> int:
    return connection.execute(GATHER, [experiment]).rowcount
