"""The Anthropic Console's usage export: tokens per day by model, key and workspace.

Supports the columns of 2025-06 and the wider set of 2026. There are no costs in it; they are estimated at
list price.
"""

from collections.abc import Mapping, Sequence

from tally.catalog.models import canonical_model
from tally.core.records import NO_MODEL, CostRecord, identity
from tally.importers.exports import (
    CLAUDE_DEFAULTS,
    Dimensions,
    Numbers,
    billing_account,
    context_tier,
    utc_day,
)
from tally.importers.protocol import Options, Parsed
from tally.importers.readers.table import Table
from tally.pricing.estimate import estimate
from tally.pricing.service_tiers import find_condition
from tally.pricing.usage import Conditions, ModelRef, Usage

name = "anthropic_usage"
title = "Anthropic Console usage export"

HEADER = frozenset({"usage_date_utc", "model_version", "usage_output_tokens"})
DIMENSIONS = (
    "model_version",
    "workspace",
    "api_key",
    "usage_type",
    "context_window",
    "inference_geo",
    "speed",
)
UNCACHED = "usage_input_tokens_no_cache"
WRITE_5M = "usage_input_tokens_cache_write_5m"
WRITE_1H = "usage_input_tokens_cache_write_1h"
CACHE_READ = "usage_input_tokens_cache_read"
OUTPUT = "usage_output_tokens"
SEARCHES = "web_search_count"


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a usage export."""
    return {cell.casefold() for cell in header} >= HEADER


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per day and combination of dimensions."""
    dimensions = Dimensions(table, DIMENSIONS, defaults=CLAUDE_DEFAULTS)
    numbers = Numbers(table, options, UNCACHED, WRITE_5M, WRITE_1H, CACHE_READ, OUTPUT, SEARCHES)
    day_of, context_window = utc_day(table, options), table.reader("context_window")
    account = billing_account("anthropic", options)

    def read_row(cells: Sequence[str]) -> CostRecord:
        when, found = day_of(cells), dimensions.read(cells)
        usage = read_usage(numbers, cells)
        metadata = dimensions.shown(found, found["model_version"])
        model_name = canonical_model(found["model_version"])
        model = ModelRef("anthropic", found["model_version"], model_name)
        conditions = Conditions(context_tier(context_window(cells)), read_context(found))
        cost_usd = estimate(metadata, model, usage, when.timestamp, conditions)
        return CostRecord(
            provider="anthropic",
            timestamp=when.timestamp,
            model_name=model_name or NO_MODEL,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, *found.values()),
            cost_basis="estimated",
            **usage.token_counts,
            day=when.day,
            billing_account=account,
            dataset=name,
            metadata=metadata,
        )

    return dimensions.parse_rows(table, read_row)


def read_usage(numbers: Numbers, cells: Sequence[str]) -> Usage:
    """The tokens of a row; Anthropic's input excludes cache reads and writes."""
    read, write_5m, write_1h = (numbers.count(column, cells) for column in (CACHE_READ, WRITE_5M, WRITE_1H))
    return Usage(
        input_tokens=numbers.count(UNCACHED, cells) + read + write_5m + write_1h,
        output_tokens=numbers.count(OUTPUT, cells),
        cached_input_tokens=read,
        cache_write_tokens=write_5m + write_1h,
        cache_write_1h_tokens=write_1h,
        web_searches=numbers.count(SEARCHES, cells),
    )


def read_context(found: Mapping[str, str]) -> dict[str, str]:
    """Conditions that change the standard price."""
    context: dict[str, str] = {}
    if condition := find_condition(found["usage_type"]):
        context[condition[0]] = condition[1]
    if found["speed"].lower() == "fast":
        context["speed"] = "fast"
    if found["inference_geo"]:
        context["inference_geo"] = found["inference_geo"]
    return context
