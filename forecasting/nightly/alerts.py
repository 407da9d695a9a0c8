"""Alerts of what a run found: anomalies, new models, silent sources, renewals, bills and prices."""

from collections.abc import Sequence

from forecasting.nightly.database import Connection
from forecasting.nightly.problems import ALERTS, UNEXPECTED, Problems
from forecasting.nightly.workspaces import Workspace
from tally.alerts.evaluation import evaluate_rules


def raise_alerts(
    connection: Connection, problems: Problems, workspaces: Sequence[Workspace], is_change: bool = False
) -> int:
    """Evaluate the rules of all workspaces, or after a change of these, and return the number of events.

    What fails is noted with its workspace.
    """
    done = evaluate_rules(connection, [workspace.id for workspace in workspaces] if is_change else None)
    by_id = {workspace.id: workspace for workspace in workspaces}
    for workspace_id, reason in done.failed.items():
        if workspace := by_id.get(workspace_id):
            problems.add(workspace, f"{ALERTS}: {UNEXPECTED}.", f"{ALERTS} ({workspace_id}): {reason}.")
    return done.raised
