"""`tally budgets`: the status of a workspace's budgets."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here

if TYPE_CHECKING:
    from tally.budgets.status import BudgetStatus

NOTHING_YET = "No budgets yet. Add one on the Budgets page."
TEXT_COLUMNS = ("Budget", "Period", "State")
NUMBER_COLUMNS = ("Spent", "Limit", "Likely end", "80% range", "Chance", "Left a day")
UNKNOWN = "-"


def budgets(
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what is spent of each budget, and its likely end.

    The chance is that of exceeding the limit; without a forecast, nothing is guessed.

    Example: tally budgets --json
    """
    from tally.budgets.report import describe_status  # lazily: takes a third of a second
    from tally.budgets.status import load_statuses

    with acting_here(email, "tally budgets", workspace) as database:
        statuses = load_statuses(database)
    if as_json:
        typer.echo(json.dumps({"budgets": [describe_status(status) for status in statuses]}, indent=2))
        return
    if not statuses:
        typer.echo(NOTHING_YET)
        return
    from tally.cli.tables import print_table

    print_table(TEXT_COLUMNS, NUMBER_COLUMNS, map(_cells, statuses))
    for line in _notes(statuses):
        typer.echo(line)


def _cells(status: "BudgetStatus") -> tuple[str, ...]:
    from tally.budgets.report import format_share
    from tally.notifications.wording import format_money, format_tokens

    def show(amount: Decimal | None) -> str:
        if amount is None:
            return UNKNOWN
        return format_tokens(amount) if status.unit == "tokens" else format_money(amount, status.unit)

    period = f"{status.period.first} to {status.period.last}"
    span = " to ".join(map(show, status.range_80)) if status.range_80 else UNKNOWN
    return (
        status.budget.name,
        period if status.period.days > 1 else str(status.period.first),
        status.state.value,
        show(status.spent),
        show(status.limit),
        show(status.likely),
        span,
        format_share(status.chance),
        show(status.left_a_day),
    )


def _notes(statuses: "list[BudgetStatus]") -> Iterator[str]:
    for status in statuses:
        if status.note:
            yield f"{status.budget.name}: {status.note}"
