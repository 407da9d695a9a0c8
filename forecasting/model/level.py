"""What an ordinary day costs lately, whatever one freak day did."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RECENT_DAYS = 56
ORDINARY_SHARE = 0.9  # of the recent days with spend; what lies above is too rare to be a level


def cut_freak_days(y: Array) -> Array:
    """The history with no day above a high recent one; six days in eight weeks are a new level."""
    recent = y[-RECENT_DAYS:]
    spending = recent[recent > 0]
    highest = float(np.quantile(spending, ORDINARY_SHARE)) if len(spending) else 0.0
    ordinary: Array = np.minimum(y, highest)
    return ordinary


def calculate_recent_level(y: Array) -> float:
    """Dollars a day by the last week and the last four, as far as that can be told without a fit."""
    ordinary = cut_freak_days(y)
    return float(ordinary[-7:].mean() + ordinary[-28:].mean()) / 2
