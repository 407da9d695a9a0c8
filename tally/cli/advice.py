"""`tally advice`: what would cost less, and what applied advice saved."""

import json
from typing import TYPE_CHECKING, Annotated, cast

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here
from tally.core.errors import TallyError

if TYPE_CHECKING:
    from tally.advice.kept import KeptAdvice, Status

STATUSES = ("open", "applied", "dismissed")
NOTHING = {
    "open": "No advice right now. Tally looks every night; it needs four weeks of usage.",
    "applied": "Nothing is applied. Apply advice on the Advice page, and Tally measures what it saves.",
    "dismissed": "Nothing is dismissed.",
}
NEVER_ADDED = "Amounts of a month. Savings overlap: they do not add up."
UNKNOWN = "-"


def advice(
    status: Annotated[str, typer.Option(metavar="STATUS", help="open, applied or dismissed.")] = "open",
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show what would cost less, each with the range of its saving.

    Example: tally advice --status applied
    """
    from tally.advice.report import describe_all, load_advice  # lazily: the help needs no database

    if status not in STATUSES:
        raise TallyError(
            f"There is no status “{status}”. Choose {', '.join(STATUSES[:-1])} or {STATUSES[-1]}."
        )
    with acting_here(email, "tally advice", workspace) as database:
        found = load_advice(database, cast("Status", status))
    if as_json:
        typer.echo(json.dumps(describe_all(found), indent=2))
        return
    if not found:
        typer.echo(NOTHING[status])
        return
    from tally.cli.tables import print_table

    numbers = ["Cost", "Saves at least", "Likely", "At most", *(["Measured"] if status == "applied" else ())]
    print_table(("Advice", "Confidence"), numbers, (_cells(one, status == "applied") for one in found))
    typer.echo(NEVER_ADDED)


def _cells(one: "KeptAdvice", is_applied: bool) -> tuple[str, ...]:
    from tally.advice.titles import name_advice
    from tally.cli.tables import format_usd

    amounts = [format_usd(usd) for usd in (one.current_usd, *one.saving)]
    return (name_advice(one), one.confidence, *amounts, *([_measured(one)] if is_applied else ()))


def _measured(one: "KeptAdvice") -> str:
    from tally.cli.tables import format_usd

    found = one.verified
    if found is None:
        return UNKNOWN
    if found.state == "measuring" or found.month_usd is None:
        return f"measuring, day {found.days} of {found.needed_days}"
    return f"{format_usd(found.month_usd)}, {found.state}"
