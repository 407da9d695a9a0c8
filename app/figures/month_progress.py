"""This month's progress: its spend, its forecast and its limit, beside the month before at the same day."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd

from app.figures.limit_probability import LimitProbability
from app.figures.progress import Progress
from app.figures.spend import sum_money
from tally.core.months import last_day_of_month


def calculate_month_progress(
    this_month: pd.DataFrame, last_month: pd.DataFrame | None, total: dict[str, Any] | None, today: date
) -> Progress:
    """The progress of the month: daily costs of both months up to the same day, and the live forecast.

    Without costs of the last month, or with None, nothing is compared.
    """
    progress = Progress(
        spent=sum_money(this_month),
        days_left=last_day_of_month(today).day - today.day,
        before=None if last_month is None or last_month.empty else sum_money(last_month),
    )
    if total is None:
        return progress
    names = ("predicted_cost_usd", "lower_bound_80", "upper_bound_80")
    likely, lower, upper = (Decimal(total[name]) for name in names)
    return replace(progress, likely=likely, lower=lower, upper=upper)


def add_limit(progress: Progress, limit: Decimal | None, outcome: LimitProbability | None) -> Progress:
    """The progress with a limit, and the chance of exceeding it where that is known."""
    return replace(progress, limit=limit, chance=outcome and outcome.probability)
