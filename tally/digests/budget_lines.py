"""Budgets in a mail: those that are exceeded or likely to be, and how many others there are."""

from collections.abc import Sequence
from decimal import Decimal

from tally.budgets.report import format_share
from tally.budgets.status import BudgetStatus, State, find_month_budget
from tally.core.text import plural
from tally.digests.content import NAME_LENGTH, BudgetLine, Limit
from tally.digests.words import money
from tally.notifications.wording import clean, format_tokens

SHOWN = 5


def describe_budgets(statuses: Sequence[BudgetStatus]) -> list[BudgetLine]:
    """A line for each budget that needs attention, the worst first, and one for all others."""
    watched = [status for status in statuses if status.state != State.PAUSED]
    urgent = sorted(
        (status for status in watched if status.state in (State.EXCEEDED, State.LIKELY)),
        key=lambda status: (-(status.chance or 0), -(status.spent / status.limit), status.budget.name),
    )
    lines = [_describe(status) for status in urgent[:SHOWN]]
    left_out, others = len(urgent) - len(lines), len(watched) - len(urgent)
    if left_out:
        lines.append(BudgetLine(f"{left_out} more", "exceeded, or likely to be", "", "bad"))
    if others:
        name = plural(others, "other") if urgent else plural(others, "budget")
        lines.append(BudgetLine(name, "within limits" if others > 1 else "within its limit", "", "good"))
    return lines


def find_limit(statuses: Sequence[BudgetStatus], code: str) -> Limit | None:
    """The limit of the whole workspace and calendar month, if it is in the mail's currency."""
    status = find_month_budget(statuses)
    if status is None or status.budget.currency != code:
        return None
    limit = money(status.limit, code)
    if status.state == State.EXCEEDED:
        return Limit(f"The limit of {limit} is exceeded.", status.limit)
    risk = f" The chance of exceeding it is {format_share(status.chance)}." if status.outlook else ""
    return Limit(f"The limit is {limit}.{risk}", status.limit)


def _describe(status: BudgetStatus) -> BudgetLine:
    name = clean(status.budget.name, NAME_LENGTH)
    of = f"{_amount(status, status.spent)} of {_amount(status, status.limit)}"
    if status.state == State.EXCEEDED:
        return BudgetLine(name, f"{of}, {_amount(status, -status.left)} over", "Exceeded", "bad")
    likely = f", likely {_amount(status, status.likely)}" if status.likely is not None else ""
    return BudgetLine(name, of + likely, f"{format_share(status.chance)} to exceed", "warning")


def _amount(status: BudgetStatus, amount: Decimal) -> str:
    if status.budget.measure == "tokens":
        return format_tokens(amount)
    return money(amount, status.budget.currency)
