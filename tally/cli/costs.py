"""`tally costs`: spend of a period by what calls were for."""

import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from tally.cli.account import SessionOrEmail, WorkspaceName, acting_here
from tally.core.dimensions import DIMENSION_NAMES, DIMENSIONS, DimensionName
from tally.core.errors import TallyError

if TYPE_CHECKING:
    pass

MAX_TOP = 1000
NO_SPEND = "No records in this period."


def costs(  # noqa: PLR0913 - a parameter for each option
    by: Annotated[
        str, typer.Option(metavar="DIMENSION", help=f"One of {', '.join(DIMENSION_NAMES)}.")
    ] = "agent",
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day; the month's by default."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; today by default.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=MAX_TOP, help="Rows; the others are one.")] = 20,
    email: SessionOrEmail = None,
    workspace: WorkspaceName = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show spend by agent, task, tool, repository and others.

    Example: tally costs --by repository --from 2026-01-01
    """
    from tally.storage.dimension_costs import load_dimension  # lazily: printing the help needs none of it
    from tally.storage.workspaces import load_timezone

    dimension = check_dimension(by)
    with acting_here(email, "tally costs", workspace) as database:
        today = datetime.now(UTC).astimezone(ZoneInfo(load_timezone(database))).date()
        days = choose_days(first and first.date(), last and last.date(), today)
        found = load_dimension(database, dimension, days, top)
    if as_json:
        parts = [{dimension: part.value, "name": part.name, **part.describe()} for part in found.parts]
        period = {"from": days[0].isoformat(), "to": days[1].isoformat(), "currency": "USD", "by": dimension}
        typer.echo(json.dumps({**period, "total": found.total.describe(), "parts": parts}, indent=2))
    elif not found.parts:
        typer.echo(NO_SPEND)
    else:
        from tally.cli.tables import format_usd, print_table

        print_table(
            (DIMENSIONS[dimension].title,),
            ("Cost", "Covered by plans", "Tokens", "Requests"),
            (
                (
                    part.name,
                    format_usd(part.cost_usd),
                    format_usd(part.included_usd),
                    f"{part.counts['tokens']:,}",
                    f"{part.counts['requests']:,}",
                )
                for part in (*found.parts, found.total)
            ),
        )


def check_dimension(name: str) -> DimensionName:
    """A dimension by its name; raises TallyError for others."""
    for known in DIMENSION_NAMES:
        if name == known:
            return known
    raise TallyError(f"There is no “{name}” to sum up by. Choose one of {', '.join(DIMENSION_NAMES)}.")


def choose_days(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """A period by its ends; raises TallyError for none."""
    last = last or max(today, first or today)
    first = first or last.replace(day=1)
    if first > last:
        raise TallyError("The first day is after the last one. Exchange them.")
    return first, last
