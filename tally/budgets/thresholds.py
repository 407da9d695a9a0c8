"""Thresholds of a budget: which are crossed, and which are no longer. Pure; `evaluation` stores what follows.

Actual: the spend reached the share. Forecast: the chance of passing it is at least ALERT_CHANCE now, and was
so in the run before, an hour ago or more. Without a forecast there is no alert, never a straight line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from tally.budgets.budget import ZERO, Threshold
from tally.budgets.periods import Period
from tally.budgets.status import BudgetStatus

Severity = Literal["info", "warning", "critical"]
EventState = Literal["open", "superseded", "late"]

# Of the months of public series (bench/budget_alerts.py), at least 88% of those over their budget should be
# warned before, and at most 22% of those under it alert. 75%: 92.6% and 10.4%; on either half of the series
# alone, 93.5% and 10.1%, 91.5% and 10.6%. 70%: 94.3% and 14.7%. 78%: 89.1% and 7.2%, but less than 88% on two
# of five random halves. 80%: 86.9% and 6.0%. Where a run comes but once a night, 75% warns 85.6%, 80% 78.2%.
ALERT_CHANCE, CLEAR_CHANCE = 0.75, 0.5
CLEAR_SHARE = Decimal("0.95")  # of the threshold, so that a corrected estimate does not open and close it
GRACE = timedelta(days=2)  # after the end of a period; later data is recorded, not sent
WARNING_PERCENT, CRITICAL_PERCENT = 80, 100


class Crossing(NamedTuple):
    """A threshold that is crossed for the first time in a period."""

    threshold: Threshold
    period: Period
    spent: Decimal
    state: EventState
    severity: Severity


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """An event about a budget that is not cleared."""

    id: str
    threshold_id: str | None
    period_start: date
    raised_on: date


def amount_of(status: BudgetStatus, threshold: Threshold) -> Decimal:
    """The amount at which a threshold is crossed."""
    return status.limit * threshold.percent / 100


def find_crossings(status: BudgetStatus, known: Iterable[tuple[str, date]]) -> list[Crossing]:
    """The thresholds that are newly crossed, in this period and in the one before; `known` have an event.

    Of several that are crossed at once, the highest is sent, and none below one that was sent already.
    """
    if status.budget.paused_at is not None:
        return []
    seen = set(known)
    return [
        crossing
        for crossing in (*_find_previous(status), *_find_actual(status), *_find_forecast(status))
        if (crossing.threshold.id, crossing.period.first) not in seen
    ]


def _find_actual(status: BudgetStatus) -> list[Crossing]:
    return _rank(_reached(status, status.spent), status.period, status.spent, is_late=False)


def _find_previous(status: BudgetStatus) -> list[Crossing]:
    """Of the period before, whose data may arrive late, those that were there already, at this limit."""
    previous = status.previous
    amounts = (amount for day, amount in status.days.items() if day in previous)
    spent = sum(amounts, ZERO)
    reached = [threshold for threshold in _reached(status, spent) if threshold.since <= previous.last]
    return _rank(reached, previous, spent, is_late=status.today > previous.last + GRACE)


def _reached(status: BudgetStatus, spent: Decimal) -> list[Threshold]:
    return [
        threshold
        for threshold in status.budget.thresholds
        if threshold.kind == "actual" and spent >= amount_of(status, threshold)
    ]


def _rank(crossed: Sequence[Threshold], period: Period, spent: Decimal, *, is_late: bool) -> list[Crossing]:
    highest = max((threshold.percent for threshold in crossed), default=0)

    def state_of(threshold: Threshold) -> EventState:
        if is_late:
            return "late"
        return "open" if threshold.percent == highest else "superseded"

    return [
        Crossing(threshold, period, spent, state_of(threshold), _severity_of(threshold))
        for threshold in crossed
    ]


def _find_forecast(status: BudgetStatus) -> list[Crossing]:
    likely = [
        threshold
        for threshold in status.budget.thresholds
        if threshold.kind == "forecast" and _is_likely(status, amount_of(status, threshold))
    ]
    reached = max((threshold.percent for threshold in _reached(status, status.spent)), default=0)
    # An amount that is spent needs no prediction, where its own threshold tells of it.
    to_come = [threshold for threshold in likely if threshold.percent > reached]
    highest = max((threshold.percent for threshold in to_come), default=0)
    return [
        Crossing(
            threshold,
            status.period,
            status.spent,
            "open" if threshold.percent == highest else "superseded",
            "warning",
        )
        for threshold in likely
    ]


def _is_likely(status: BudgetStatus, amount: Decimal) -> bool:
    if status.outlook is None:
        return False
    now = status.chance_of(amount)
    # A period of a day may have no other run.
    earlier = now if status.budget.period_kind == "day" else status.earlier_chance_of(amount)
    return now is not None and earlier is not None and min(now, earlier) >= ALERT_CHANCE


def _severity_of(threshold: Threshold) -> Severity:
    if threshold.percent >= CRITICAL_PERCENT:
        return "critical"
    return "warning" if threshold.percent >= WARNING_PERCENT else "info"


def is_over(status: BudgetStatus | None, event: OpenEvent) -> bool:
    """Check if an event is no longer true; without a status, its budget is gone."""
    if status is None or status.budget.paused_at is not None:
        return True
    if event.period_start != status.period.first:
        is_recent = event.period_start == status.previous.first and event.raised_on > status.previous.last
        return not is_recent or status.today > status.previous.last + GRACE
    threshold = next((one for one in status.budget.thresholds if one.id == event.threshold_id), None)
    if threshold is None:
        return True
    amount = amount_of(status, threshold)
    if threshold.kind == "actual":
        return status.spent < CLEAR_SHARE * amount
    chance = status.chance_of(amount)
    return chance is not None and chance < CLEAR_CHANCE
