"""Tables on standard output."""

import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal

from tally.core.text import printable

SHORTEST_LINE = 110  # columns; in a narrower terminal, lines wrap and no figure is cut off
PIPED_LINE = 10_000  # piped output is never wrapped
CENT = Decimal("0.01")


def format_usd(amount: Decimal) -> str:
    """Dollars with cents, or with two significant digits where cents would show zero."""
    size = abs(amount)
    places = 1 - size.adjusted() if 0 < size < CENT else 2
    return f"{'-' if amount < 0 else ''}${size:,.{places}f}"


def format_cost(cost_usd: str | None) -> str:
    """The cost in a line of a report."""
    return "no price" if cost_usd is None else format_usd(Decimal(cost_usd))


def print_table(
    text_columns: Sequence[str], number_columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> None:
    """Print rows below their headers: text columns first, then right-aligned numbers.

    Cells are printed as they are, never as markup; control characters are replaced.
    """
    from rich.console import Console  # lazily: takes 60 ms, and most commands print no table
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    console.width = max(console.width, SHORTEST_LINE) if sys.stdout.isatty() else PIPED_LINE
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in text_columns:
        table.add_column(title, overflow="fold")
    for title in number_columns:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
