"""`tally reprice`: price anew what has no bill, for one account, after a look at the difference."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from tally.cli.records import Email, acting_as
from tally.core.errors import TallyError
from tally.pricing.reprice import Difference, apply_prices, calculate_differences

FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC).date()
HEADER = ("month", "provider", "model", "records", "before", "after", "difference")


def reprice(
    email: Email,
    since: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The first day to look at.", show_default=False)
    ],
    apply: Annotated[bool, typer.Option("--apply", help="Write the new prices.")] = False,
) -> None:
    """Show what estimates would cost at today's knowledge of their days' prices; --apply writes it.

    Bills, and what was typed in, are left alone.

    Example: tally reprice --since 2026-01-01 --email ada@example.com
    """
    first_day = since.date()
    if not FIRST_DAY <= first_day <= datetime.now(UTC).date() + timedelta(days=1):
        raise TallyError(f"--since must be a day from {FIRST_DAY} to today.")
    with acting_as(email) as database:
        differences = calculate_differences(database, first_day)
        if not differences:
            typer.echo("Every estimate is at its price already.")
            return
        typer.echo(render_differences(differences))
        if not apply:
            typer.echo("Nothing was written. Add --apply to price these records anew.")
            return
        done = apply_prices(database, first_day)
    typer.echo(f"Priced anew: {done.applied:,}.")
    if done.skipped:
        typer.echo(
            f"{done.skipped:,} had changed meanwhile and were left alone. Run it again to see to them."
        )


def render_differences(differences: Sequence[Difference]) -> str:
    """A table of what would change, and the sum."""
    rows = [HEADER, *map(_row, differences)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 3 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    total = sum(difference.difference_usd for difference in differences)
    priced = sum(difference.newly_priced for difference in differences)
    unpriced = sum(difference.newly_unpriced for difference in differences)
    set_aside = sum(difference.set_aside for difference in differences)
    lines.append(f"In all {_usd(total, sign=True)}.")
    if priced:
        lines.append(f"Priced for the first time: {priced:,}.")
    if unpriced:
        lines.append(f"Without a price from now on, as no list knows one: {unpriced:,}.")
    if set_aside:
        lines.append(f"In no total, as a bill or a better source covers them: {set_aside:,}.")
    return "\n".join(lines)


def _row(difference: Difference) -> tuple[str, ...]:
    return (
        difference.month,
        difference.provider,
        _printable(difference.model_name),
        f"{difference.records:,}",
        _usd(difference.before_usd),
        _usd(difference.after_usd),
        _usd(difference.difference_usd, sign=True),
    )


def _usd(amount: object, sign: bool = False) -> str:
    return f"{amount:+,.4f} USD" if sign else f"{amount:,.4f} USD"


def _printable(name: str) -> str:
    """A model's name without what would steer a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
