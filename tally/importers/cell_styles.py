"""Styles of a file's cells: its decimal sign and its order of day and month."""

from tally.core.amounts import find_decimal_style
from tally.importers.protocol import AmbiguousDates, AmbiguousNumbers, Options
from tally.importers.readers.dates import find_day_order
from tally.importers.readers.table import Table, list_quoted


def decide_decimal_comma(table: Table, column: int, options: Options) -> bool:
    """Check whether the file writes 1.234,50; raises AmbiguousNumbers where its costs leave it open."""
    if options.decimal_comma is not None:
        return options.decimal_comma
    if table.from_json:
        return False
    style = find_decimal_style(cells[column] for _, cells in table.rows)
    if style.decimal_comma is not None:
        return style.decimal_comma
    examples = style.point[:1] + style.comma[:1] + style.either_comma
    raise AmbiguousNumbers(
        f"Costs such as {list_quoted(examples)} can be read in two ways. "
        "Is the decimal sign a comma or a point?",
        examples,
    )


def decide_day_first(table: Table, column: int, options: Options) -> bool:
    """Check whether 03/04/2026 is the 3rd of April; raises AmbiguousDates where the column leaves it open."""
    if options.day_first is not None:
        return options.day_first
    order = find_day_order(cells[column] for _, cells in table.rows)
    if order.decided is not None:
        return order.decided
    examples = order.day_first[:1] + order.month_first[:1] + order.either
    raise AmbiguousDates(
        f"Dates such as {list_quoted(examples)} can be read in two ways. "
        "Does the day come first, or the month?",
        examples,
    )
