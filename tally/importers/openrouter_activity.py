"""OpenRouter's answer about activity, saved as JSON: charges per UTC day, model and upstream provider.

They are the sums that a connection to OpenRouter syncs. What requests with the user's own key cost is on the
bill of that key's provider.
"""

from collections.abc import Sequence

from tally.catalog.models import canonical_model
from tally.core.encoding import canonical_decimal
from tally.core.records import NO_MODEL, CostRecord, identity
from tally.importers.exports import Dimensions, Numbers, billing_account, utc_day
from tally.importers.protocol import Options, Parsed, read_rows
from tally.importers.readers.table import Table

name = "openrouter_activity"
title = "OpenRouter API activity"

DATASET = "openrouter_api_activity"
HEADER = frozenset({"date", "model", "usage", "requests", "prompt_tokens", "completion_tokens"})
# The permanent slug, as in the activity export: the name in `model` may change.
DIMENSIONS = ("model_permaslug", "endpoint_id", "provider_name")
COUNTS = ("requests", "prompt_tokens", "completion_tokens", "reasoning_tokens")


def identify(header: Sequence[str]) -> bool:
    """Check whether the header has the keys of an answer about activity."""
    cells = {cell.casefold() for cell in header}
    return cells >= HEADER and bool(cells & {*DIMENSIONS, "byok_usage_inference"})


def parse(table: Table, options: Options) -> Parsed:
    """One billed record per day, model and endpoint."""
    dimensions, written = Dimensions(table, DIMENSIONS), Dimensions(table, ("model",))
    numbers = Numbers(table, options, "usage", "byok_usage_inference", *COUNTS)
    day_of, account = utc_day(table, options, "date"), billing_account("openrouter", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = day_of(cells), dimensions.read(cells)
        model = found["model_permaslug"] or written.read(cells)["model"]
        model_name = canonical_model(model) or NO_MODEL
        cost_usd = numbers.amount("usage", cells)
        count = {column: numbers.count(column, cells) for column in COUNTS}
        metadata = dimensions.shown(found, model_name)
        if not numbers.is_blank("byok_usage_inference", cells):
            byok_usd = numbers.amount("byok_usage_inference", cells)
            metadata |= {"byok_usd": canonical_decimal(byok_usd)} if byok_usd else {}
        return CostRecord(
            provider="openrouter",
            timestamp=when.timestamp,
            model_name=model_name,
            cost_usd=cost_usd,
            source_key=identity(DATASET, options.account, when.day, *found.values()),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            input_tokens=count["prompt_tokens"],
            output_tokens=count["completion_tokens"],
            reasoning_tokens=count["reasoning_tokens"],
            request_count=count["requests"],
            day=when.day,
            billing_account=account,
            dataset=DATASET,
            metadata=metadata,
        )

    return read_rows(table, read_row)
