"""The Anthropic Console's cost export: US dollars per day by model, workspace, key and token type.

Supports the columns of 2025-12 and the two wider sets of 2026.
"""

from collections.abc import Sequence

from tally.catalog.models import canonical_model
from tally.core.encoding import canonical_decimal
from tally.core.records import NO_MODEL, CostRecord, identity
from tally.importers.exports import CLAUDE_DEFAULTS, Dimensions, Numbers, billing_account, utc_day
from tally.importers.protocol import Options, Parsed
from tally.importers.readers.table import Table

name = "anthropic_cost"
title = "Anthropic Console cost export"

HEADER = frozenset({"usage_date_utc", "model", "token_type", "cost_usd"})
# The key's name, not its id: only the newest exports have ids, and a row must keep its identity.
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
# Charges without a model.
CHARGES = {"web_search": "web search", "code_execution": "code execution", "session_usage": "session usage"}


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a cost export."""
    return {cell.casefold() for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One billed record per day and combination of dimensions."""
    dimensions = Dimensions(table, DIMENSIONS, defaults=CLAUDE_DEFAULTS)
    numbers = Numbers(table, options, "cost_usd", "list_price_usd")
    day_of = utc_day(table, options)
    account = billing_account("anthropic", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = day_of(cells), dimensions.read(cells)
        cost_usd = numbers.amount("cost_usd", cells)
        metadata = dimensions.shown(found)
        if not numbers.is_blank("list_price_usd", cells):
            list_price_usd = numbers.amount("list_price_usd", cells)
            if list_price_usd != cost_usd:
                metadata["list_price_usd"] = canonical_decimal(list_price_usd)
        return CostRecord(
            provider="anthropic",
            timestamp=when.timestamp,
            model_name=canonical_model(found["model"]) or CHARGES.get(found["cost_type"]) or NO_MODEL,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, *found.values()),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            day=when.day,
            billing_account=account,
            dataset=name,
            metadata=metadata,
        )

    return dimensions.parse_rows(table, read_row)
