"""OpenAI's cost export: charges per UTC day by line item, project, user and key.

Supports the columns of 2025-10 and 2026-09, separated by commas or tabs.
"""

import re
from collections.abc import Sequence

from tally.catalog.models import canonical_model
from tally.core.records import NO_MODEL, CostRecord, identity
from tally.importers.exports import Dimensions, Numbers, billing_account, bucket
from tally.importers.protocol import Options, Parsed
from tally.importers.readers.currencies import convert_to_usd, find_currency
from tally.importers.readers.table import Table

name = "openai_cost"
title = "OpenAI cost export"

HEADER = frozenset({"start_time", "end_time", "amount_value", "amount_currency", "line_item"})
DIMENSIONS = ("organization_id", "project_id", "user_id", "api_key_id", "line_item", "api_source")

# Line items such as `gpt-4o-2024-08-06, input`: the model's name, where there is one, has no spaces.
_MODEL_ITEM = re.compile(r"(?P<model>[a-z0-9][\w.:/-]*), .+", re.IGNORECASE)


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a cost export."""
    return {cell.casefold() for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One billed record for each day and combination of dimensions; days without an amount are blank."""
    dimensions = Dimensions(table, DIMENSIONS)
    numbers = Numbers(table, options, "amount_value")
    currency, quantity = table.reader("amount_currency"), table.reader("quantity")
    quantity_unit, project_name = table.reader("quantity_unit"), table.reader("project_name")
    bucket_of = bucket(table, options)

    def read_row(cells: Sequence[str]) -> CostRecord | None:
        if numbers.is_blank("amount_value", cells):
            return None
        when, found = bucket_of(cells), dimensions.read(cells)
        metadata = when.metadata | dimensions.shown(found)
        cost_usd = convert_to_usd(
            metadata,
            numbers.amount("amount_value", cells),
            find_currency(currency(cells)),
            when.timestamp.date(),
            options,
        )
        if quantity(cells):
            metadata["quantity"] = f"{quantity(cells)} {quantity_unit(cells)}".strip()
        if project_name(cells):
            metadata["project_name"] = project_name(cells)
        return CostRecord(
            provider="openai",
            timestamp=when.timestamp,
            model_name=model_of(found["line_item"]),
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, *found.values()),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            day=when.day,
            billing_account=billing_account("openai", options, found["organization_id"]),
            dataset=name,
            metadata=metadata,
        )

    return dimensions.parse_rows(table, read_row)


def model_of(line_item: str) -> str:
    """The model in a line item, else the line item itself."""
    match = _MODEL_ITEM.fullmatch(line_item)
    return canonical_model(match["model"]) if match else line_item or NO_MODEL
