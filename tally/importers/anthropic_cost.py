"""The Anthropic Console's cost export: US dollars a day by model, workspace, key and kind of token.

Header sets as the Console exported them in 2025-12 and, with more columns, in two steps in 2026.
"""

from collections.abc import Sequence

from tally.catalog.models import canonical_claude
from tally.core.records import JSON, NO_MODEL, CostRecord, canonical_decimal, identity
from tally.importers.exports import CLAUDE_DEFAULTS, Dimensions, Numbers, ledger, utc_day
from tally.importers.protocol import Options, Parsed, read_rows
from tally.importers.readers.table import Table

name = "anthropic_cost"
title = "Anthropic Console cost export"

HEADER = frozenset({"usage_date_utc", "model", "token_type", "cost_usd"})
# The key's name, not its id: the id is in the newest exports only, and the same row must stay the same.
DIMENSIONS = (
    "model",
    "workspace",
    "api_key",
    "usage_type",
    "context_window",
    "token_type",
    "cost_type",
    "inference_geo",
    "speed",
)
# Charges that are for no model.
CHARGES = {"web_search": "web search", "code_execution": "code execution", "session_usage": "session usage"}


def identify(header: Sequence[str]) -> bool:
    """Whether this is the header of a cost export."""
    return {cell.casefold() for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One billed record for each day and combination of dimensions."""
    dimensions = Dimensions(table, DIMENSIONS, defaults=CLAUDE_DEFAULTS)
    numbers = Numbers(table, options, "cost_usd", "list_price_usd")
    day_of = utc_day(table, options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = day_of(cells), dimensions.read(cells)
        cost_usd = numbers.amount("cost_usd", cells)
        metadata: dict[str, JSON] = {
            **when.metadata,
            "ledger": ledger("anthropic", options),
            "dataset": name,
            **dimensions.shown(found),
        }
        if not numbers.is_blank("list_price_usd", cells):
            list_price_usd = numbers.amount("list_price_usd", cells)
            if list_price_usd != cost_usd:
                metadata["list_price_usd"] = canonical_decimal(list_price_usd)
        return CostRecord(
            provider="anthropic",
            timestamp=when.timestamp,
            model_name=canonical_claude(found["model"]) or CHARGES.get(found["cost_type"]) or NO_MODEL,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, *found.values()),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            metadata=metadata,
        )

    parsed = read_rows(table, read_row)
    parsed.grouping = dimensions.grouping()
    return parsed
