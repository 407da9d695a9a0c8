"""`tally reprice`: recalculate a workspace's estimates with the latest known prices."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import typer

from tally.cli.account import Email, WorkspaceName, acting_as
from tally.cli.tables import print_table
from tally.core.errors import TallyError
from tally.core.text import plural
from tally.pricing.reprice import Difference, apply_prices, calculate_differences

FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC).date()
TEXT_COLUMNS = ("Month", "Provider", "Model")
NUMBER_COLUMNS = ("Records", "Before", "After", "Difference")


def reprice(
    email: Email,
    since: Annotated[
        datetime,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="First day to reprice.", show_default=False),
    ],
    workspace: WorkspaceName = None,
    apply: Annotated[bool, typer.Option("--apply", help="Save the new prices.")] = False,
) -> None:
    """Preview estimates at the latest known prices.

    Each estimate is recalculated with the latest known prices for its date; --apply saves the change.
    Bills and manual entries are left alone.

    Example: tally reprice --since 2026-01-01 --email ada@example.com
    """
    first_day = since.date()
    if not FIRST_DAY <= first_day <= datetime.now(UTC).date() + timedelta(days=1):
        raise TallyError(f"--since must be a day from {FIRST_DAY} to today.")
    with acting_as(email, "tally reprice", workspace) as database:
        differences = calculate_differences(database, first_day)
        if not differences:
            typer.echo("All estimates are up to date.")
            return
        print_differences(differences)
        if not apply:
            typer.echo("Nothing was saved. Add --apply to reprice these records.")
            return
        done = apply_prices(database, first_day)
    typer.echo(f"Repriced {plural(done.applied, 'record')}.")
    if done.skipped:
        typer.echo(
            f"{plural(done.skipped, 'record')} changed in the meantime and were left alone. Run this again."
        )


def print_differences(differences: Sequence[Difference]) -> None:
    """Print what would change, by month and model, and the totals."""
    print_table(TEXT_COLUMNS, NUMBER_COLUMNS, map(_cells, differences))
    for line in _totals(differences):
        typer.echo(line)


def _cells(difference: Difference) -> tuple[str, ...]:
    return (
        difference.month,
        difference.provider,
        difference.model_name,
        f"{difference.records:,}",
        _usd(difference.before_usd),
        _usd(difference.after_usd),
        _signed_usd(difference.difference_usd),
    )


def _totals(differences: Sequence[Difference]) -> Iterator[str]:
    """The total difference, and a line for each kind of change that occurs."""
    total = sum((difference.difference_usd for difference in differences), Decimal(0))
    yield f"Total difference: {_signed_usd(total)}"
    counts = {
        "Priced for the first time": sum(difference.newly_priced for difference in differences),
        "No longer priced, as no price list has the model": sum(
            difference.newly_unpriced for difference in differences
        ),
        "Not in any total, as a bill or a better source covers them": sum(
            difference.ineffective for difference in differences
        ),
    }
    yield from (f"{label}: {plural(count, 'record')}" for label, count in counts.items() if count)


def _usd(amount: Decimal) -> str:
    return f"{amount:,.4f} USD"


def _signed_usd(amount: Decimal) -> str:
    return f"{amount:+,.4f} USD"
