"""The nightly renewals of subscriptions, workspace by workspace."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import RENEWALS, Problems
from forecasting.nightly.workspaces import Workspace
from tally.core.text import plural

MAX_RENEWALS = 5_000  # of one workspace in one run, about a second; the next run goes on with the rest

WITH_SUBSCRIPTIONS = "select distinct s.workspace_id from public.subscriptions as s"
POST = "select * from private.post_workspace_renewals(%s, %s)"


class Posted(NamedTuple):
    """A workspace's renewals of one run: added, left for the next run, and subscriptions that failed."""

    added: int
    left: int
    failed: Sequence[str]

    @property
    def entry(self) -> dict[str, Any]:
        """Its entry in job_runs.steps."""
        return {"step": "renewals", "count": self.added, "left": self.left, "failed": list(self.failed)}


def post_renewals(
    connection: Connection, workspaces: Sequence[Workspace], problems: Problems
) -> dict[UUID, Posted]:
    """Post what is due, each workspace in a transaction of its own; returns those with something to tell."""
    with_subscriptions = {key for (key,) in connection.execute(WITH_SUBSCRIPTIONS).fetchall()}
    posted: dict[UUID, Posted] = {}
    for workspace in workspaces:
        if workspace.id not in with_subscriptions:
            continue
        done = problems.attempt(workspace, RENEWALS, lambda key=workspace.id: _post(connection, key))  # type: ignore[misc]
        if done is not None and any(done):
            posted[workspace.id] = done
            _note_failed(workspace, done, problems)
    return posted


def _post(connection: Connection, workspace_id: UUID) -> Posted:
    [row] = connection.execute(POST, [workspace_id, MAX_RENEWALS]).fetchall()
    return Posted(*row)


def _note_failed(workspace: Workspace, posted: Posted, problems: Problems) -> None:
    if posted.failed:
        names = ", ".join(f"“{name}”" for name in posted.failed[:5])
        more = f" and {plural(len(posted.failed) - 5, 'other')}" if len(posted.failed) > 5 else ""
        problems.add(
            workspace,
            f"The renewals of {names}{more} could not be added. Open Subscriptions, correct them and save.",
            f"{plural(len(posted.failed), 'subscription')} of {workspace.id} could not be renewed.",
        )
