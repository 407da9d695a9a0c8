"""OpenRouter's activity export: one generation per row, at the price charged for it.

Exports before 2026 lack some columns; times are UTC. A cancelled generation is charged up to its end. Usage
with the user's own API key (`byok_usage_inference`) is on that provider's bill.
"""

from collections.abc import Sequence

from tally.catalog.models import canonical_model
from tally.core.encoding import canonical_decimal
from tally.core.records import NO_MODEL, CostRecord, request_identity
from tally.importers.exports import Dimensions, Numbers, billing_account, utc_time
from tally.importers.protocol import Options, Parsed, RowRejected, choose, read_rows
from tally.importers.readers.table import Table

name = "openrouter"
title = "OpenRouter activity export"

HEADER = frozenset({"generation_id", "created_at", "cost_total", "model_permaslug"})
DETAILS = (
    "provider_name",
    "variant",
    "user",
    "api_key_name",
    "app_name",
    "finish_reason_normalized",
)
COUNTS = ("tokens_prompt", "tokens_completion", "tokens_cached", "tokens_reasoning")


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of an activity export."""
    return {cell.casefold() for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One billed record per generation."""
    named, details = (
        Dimensions(table, ("generation_id", "model_permaslug")),
        Dimensions(table, DETAILS),
    )
    numbers = Numbers(table, options, "cost_total", "byok_usage_inference", *COUNTS)
    time_of, cancelled = utc_time(table, options, "created_at"), table.reader("cancelled")
    account = billing_account("openrouter", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = time_of(cells), named.read(cells)
        generation = found["generation_id"]
        if not generation:
            raise RowRejected("its generation_id is empty, so it cannot be identified")
        cost_usd = numbers.amount("cost_total", cells)
        count = {column: numbers.count(column, cells) for column in COUNTS}
        metadata = details.shown(details.read(cells))
        model_name = canonical_model(found["model_permaslug"])
        if model_name != found["model_permaslug"]:
            metadata["model"] = found["model_permaslug"]
        if not numbers.is_blank("byok_usage_inference", cells):
            byok_usd = numbers.amount("byok_usage_inference", cells)
            if byok_usd:
                metadata["byok_usd"] = canonical_decimal(byok_usd)
        if cancelled(cells).lower() == "true":
            metadata["cancelled"] = True
        return CostRecord(
            provider="openrouter",
            timestamp=when.timestamp,
            model_name=model_name or NO_MODEL,
            cost_usd=cost_usd,
            source_key=request_identity(generation),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            input_tokens=count["tokens_prompt"],
            output_tokens=count["tokens_completion"],
            cached_input_tokens=count["tokens_cached"],
            reasoning_tokens=count["tokens_reasoning"],
            request_count=1,
            day=when.day,
            request_id=generation,
            billing_account=account,
            metadata=metadata,
        )

    return read_rows(table, read_row, combine=choose)
