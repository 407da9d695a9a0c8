"""The course of a budget's period: cumulative amounts up to today, then with ranges up to its end."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import accumulate

import pandas as pd

from tally.budgets.periods import Period
from tally.budgets.status import BudgetStatus

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Course:
    """Cumulative amounts by day, as floats for charts.

    `ahead` begins today, with the columns date, predicted, lower_80, upper_80, lower_95 and upper_95; it is
    empty without a forecast. `earlier` is the period before, by the days of this one.
    """

    spent: "pd.Series[float]"
    ahead: pd.DataFrame
    earlier: "pd.Series[float]"


def calculate_course(status: BudgetStatus) -> Course:
    """The course of the current period."""
    so_far = Period(status.period.first, status.today)
    earlier = _accumulate(status, status.previous)
    count = min(len(earlier), status.period.days)
    days = pd.date_range(status.period.first, periods=count)
    return Course(
        _accumulate(status, so_far),
        _calculate_ahead(status),
        pd.Series(earlier.to_numpy()[:count], index=days),
    )


def _accumulate(status: BudgetStatus, period: Period) -> "pd.Series[float]":
    days = [period.first + timedelta(days=nth) for nth in range(period.days)]
    sums = accumulate(status.days.get(day, ZERO) for day in days)
    return pd.Series([float(amount) for amount in sums], index=pd.to_datetime(days))


def _calculate_ahead(status: BudgetStatus) -> pd.DataFrame:
    """The likely course with its ranges, which widen with the root of the share that is to come."""
    names = ("predicted", "lower_80", "upper_80", "lower_95", "upper_95")
    if status.outlook is None or status.range_80 is None or status.range_95 is None:
        return pd.DataFrame(columns=["date", *names])
    days = [status.today + timedelta(days=nth) for nth in range(status.days_to_come + 1)]
    to_come = [float(status.outlook.days.get(day, ZERO)) for day in days]
    whole = sum(to_come)
    reached = accumulate(amount / whole if whole else 1 / len(days) for amount in to_come)
    spent, likely = float(status.spent), float(status.outlook.likely)
    ends = {
        name: float(amount)
        for name, amount in zip(names[1:], (*status.range_80, *status.range_95), strict=True)
    }
    rows = [{"date": pd.Timestamp(status.today), **dict.fromkeys(names, spent)}]
    for day, share in zip(days, reached, strict=True):
        middle = spent + (likely - spent) * share
        bounds = {name: max(spent, middle + (end - likely) * share**0.5) for name, end in ends.items()}
        rows.append({"date": pd.Timestamp(day) + pd.Timedelta(days=1), "predicted": middle, **bounds})
    return pd.DataFrame(rows)
