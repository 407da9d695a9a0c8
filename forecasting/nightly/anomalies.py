"""Anomalies of the last days: outliers and new models, recalculated in every run."""

from collections.abc import Iterable

from forecasting.nightly.accounts import Account
from forecasting.nightly.database import Connection
from forecasting.nightly.new_models import find_new_models
from forecasting.nightly.outliers import find_outliers
from forecasting.nightly.stored_anomalies import Window, replace_anomalies

LOOK_BACK_DAYS = 7  # runs may have been missed, and data may arrive late


def flag_anomalies(connection: Connection, accounts: Iterable[Account]) -> int:
    """Replace all anomalies of the last days in one transaction; returns their number."""
    window = Window([account for account in accounts if account.forecast_enabled], LOOK_BACK_DAYS)
    with connection.transaction():
        found = find_outliers(connection, window) + find_new_models(connection, window)
        replace_anomalies(connection, window, found)
    return len(found)
