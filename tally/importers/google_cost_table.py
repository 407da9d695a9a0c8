"""The cost table of Google Cloud's console as CSV: charges for AI services and their credits.

A row is one SKU of a project over a period, mostly a month. It is stored on the first day of its period; the
last day is in the metadata. The BigQuery export has single days. The table of an invoice begins with lines
that name its currency, and ends with a total. Rows of other services are skipped, and so are tax and totals.

Credits are rows of their own. A table without them shows charges that credits may have paid: it is refused
where the invoice's amount due is lower than its total.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal

from tally.core.amounts import AmountUnreadable, parse_amount
from tally.core.records import ChargeType, CostRecord, identity
from tally.importers.ai_services import is_ai
from tally.importers.exports import Dimensions, Numbers, billing_account, utc_day
from tally.importers.google_billing import model_of
from tally.importers.protocol import NOT_AI, Options, Parsed, RowSkipped, read_rows
from tally.importers.readers.currencies import convert_to_usd, find_currency
from tally.importers.readers.decoding import ImportRefused
from tally.importers.readers.table import Table

name = "google_cost_table"
title = "Google Cloud cost table"

HEADER = frozenset({"billing account id", "service description", "sku description", "usage start date"})
DIMENSIONS = (
    "billing account id",
    "project id",
    "service description",
    "sku id",
    "sku description",
    "credit type",
    "cost type",
)
DETAILS = ("project name", "usage end date")
COST = re.compile(r"(?:unrounded )?cost \((?P<currency>[^)]+)\)", re.IGNORECASE)
TOLERANCE = Decimal("0.01")  # of the total, for rounding


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a cost table."""
    return {cell.casefold() for cell in header} >= HEADER and any(map(COST.fullmatch, header))


def parse(table: Table, options: Options) -> Parsed:
    """One billed record per period, project, SKU and kind of credit."""
    cost = _find_cost(table)
    numbers = Numbers(table, options, cost)
    _refuse_without_credits(table, numbers, cost)
    currency = find_currency(table.preamble.get("currency") or _read_currency(cost))
    dimensions, details = Dimensions(table, DIMENSIONS), Dimensions(table, DETAILS)
    quantity, unit = table.reader("usage amount"), table.reader("usage unit")
    day_of = utc_day(table, options, "usage start date")

    def read_row(cells: Sequence[str]) -> CostRecord:
        found = dimensions.read(cells)
        if not is_ai(found["service description"]):
            raise RowSkipped(NOT_AI)
        when, shown = day_of(cells), dimensions.shown({**found, **details.read(cells)})
        metadata = {column.replace(" ", "_"): cell for column, cell in shown.items()}
        if quantity(cells):
            metadata["quantity"] = f"{quantity(cells)} {unit(cells)}".strip()
        amount = numbers.amount(cost, cells)
        cost_usd = convert_to_usd(metadata, amount, currency, when.timestamp.date(), options)
        ends = details.read(cells)["usage end date"]
        return CostRecord(
            provider="google",
            timestamp=when.timestamp,
            model_name=model_of(found["sku description"]),
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, ends, *found.values()),
            charge_type=_find_charge(found, cost_usd),
            day=when.day,
            billing_account=billing_account("google", options, found["billing account id"]),
            dataset=name,
            metadata=metadata,
        )

    return read_rows(table, read_row)


def _find_cost(table: Table) -> str:
    """The heading of the exact amounts, or of those rounded to cents."""
    headings = [heading.casefold() for heading in table.header if COST.fullmatch(heading)]
    return next((heading for heading in headings if heading.startswith("unrounded")), headings[0])


def _read_currency(heading: str) -> str:
    found = COST.fullmatch(heading)
    return found["currency"] if found else ""


def _find_charge(found: Mapping[str, str], cost_usd: Decimal) -> ChargeType:
    if cost_usd < 0:
        return "credit" if found["credit type"] else "adjustment"
    return "tax" if found["cost type"].casefold() == "tax" else "usage"


def _refuse_without_credits(table: Table, numbers: Numbers, cost: str) -> None:
    """Raise ImportRefused for charges without the credits that paid them."""
    credit_type, cost_type = table.reader("credit type"), table.reader("cost type")
    if any(credit_type(cells) for _, cells in table.rows):
        return
    totals = [
        numbers.amount(cost, cells) for _, cells in table.rows if cost_type(cells).casefold() == "total"
    ]
    due = _read_due(table.preamble.get("total amount due", ""))
    if due is not None and totals and due < totals[0] * (1 - TOLERANCE):
        raise ImportRefused(
            f"{table.filename} has charges of {totals[0]} and {due} are due: it leaves out credits. "
            "In the console, select all savings beside the cost table and download it again."
        )


def _read_due(cell: str) -> Decimal | None:
    try:
        return parse_amount(re.sub(r"^[^\d(+-]+", "", cell)) if cell else None
    except AmountUnreadable:
        return None
