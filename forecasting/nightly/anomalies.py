"""Anomalies: outliers and new models of the last days, spikes of the history, recalculated in every run."""

from forecasting.nightly.database import Connection
from forecasting.nightly.new_models import find_new_models
from forecasting.nightly.outliers import find_outliers
from forecasting.nightly.past_spikes import find_past_spikes
from forecasting.nightly.stored_anomalies import Window, replace_anomalies
from forecasting.nightly.workspaces import Workspace

LOOK_BACK_DAYS = 7  # runs may have been missed, and data may arrive late


def flag_anomalies(connection: Connection, workspace: Workspace) -> int:
    """Replace a workspace's anomalies, in the caller's transaction; returns their number."""
    if not workspace.forecast_enabled:
        return 0
    window = Window(workspace, LOOK_BACK_DAYS)
    found = [
        *find_outliers(connection, window),
        *find_new_models(connection, window),
        *find_past_spikes(connection, window),
    ]
    replace_anomalies(connection, window, found)
    return len(found)
