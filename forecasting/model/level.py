"""The recent level of spend, robust against outliers."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RECENT_DAYS = 56
CAP_QUANTILE = 0.9  # of the recent days with spend; higher days are too rare to define the level


def cap_outliers(y: Array) -> Array:
    """Cap the history at a high quantile of recent days; six higher days in eight weeks raise the cap."""
    recent = y[-RECENT_DAYS:]
    spending = recent[recent > 0]
    highest = float(np.quantile(spending, CAP_QUANTILE)) if len(spending) else 0.0
    capped: Array = np.minimum(y, highest)
    return capped


def calculate_recent_level(y: Array) -> float:
    """Dollars per day: the average of the last week's and the last four weeks' means, without a fit."""
    capped = cap_outliers(y)
    return float(capped[-7:].mean() + capped[-28:].mean()) / 2
