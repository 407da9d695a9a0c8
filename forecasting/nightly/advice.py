"""Advice of each workspace, found in its last four weeks, and savings of what was applied."""

from collections.abc import Sequence
from functools import partial
from time import monotonic

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import ADVICE, SAVINGS, Problems
from forecasting.nightly.workspaces import Workspace
from tally.advice.stored import refresh_advice
from tally.advice.verified import refresh_verifications

MAX_SECONDS = 1_800  # of all workspaces: what follows in the run must not wait for ever
LATE = "there was no time left for it. The next run tries again"


def refresh_all(connection: Connection, workspaces: Sequence[Workspace], problems: Problems) -> int:
    """Find the advice of each workspace; returns how many pieces are open."""
    end = monotonic() + MAX_SECONDS
    count = 0
    for workspace in workspaces:
        if monotonic() > end:
            problems.add(workspace, f"{ADVICE}: {LATE}.", f"{ADVICE} ({workspace.id}): {LATE}.")
            continue
        refresh = partial(refresh_advice, connection, workspace.id, workspace.today)
        count += problems.attempt(workspace, ADVICE, refresh) or 0
        verify = partial(refresh_verifications, connection, workspace.id, workspace.today)
        problems.attempt(workspace, SAVINGS, verify)
    return count
