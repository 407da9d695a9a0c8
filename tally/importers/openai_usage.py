"""OpenAI's usage exports (completions, embeddings): tokens in buckets of a day, an hour or a minute.

Supports the columns of 2025-10. There are no costs in them; they are estimated at list price.
"""

from collections.abc import Sequence

from tally.catalog.models import canonical_model
from tally.core.records import NO_MODEL, CostRecord, identity
from tally.importers.exports import Dimensions, Numbers, billing_account, bucket
from tally.importers.protocol import Options, Parsed, RowRejected
from tally.importers.readers.table import Table, quote
from tally.pricing.estimate import estimate
from tally.pricing.service_tiers import find_condition
from tally.pricing.usage import Conditions, ModelRef, Usage

name = "openai_usage"
title = "OpenAI usage export"

HEADER = frozenset({"start_time", "end_time", "num_model_requests", "input_tokens"})
HEADER_WITHOUT_USAGE = frozenset({"start_time", "end_time", "start_time_iso", "end_time_iso"})
DIMENSIONS = ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier")
COUNTS = (
    "num_model_requests",
    "input_tokens",
    "output_tokens",
    "input_cached_tokens",
    "input_cache_write_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "output_audio_tokens",
)


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a usage export, also of a period without usage."""
    cells = {cell.casefold() for cell in header}
    return cells >= HEADER or cells == HEADER_WITHOUT_USAGE


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per bucket and combination of dimensions; buckets without usage are blank."""
    dimensions = Dimensions(table, DIMENSIONS, defaults={"batch": ("false",), "service_tier": ("default",)})
    numbers = Numbers(table, options, *COUNTS)
    bucket_of = bucket(table, options)
    account = billing_account("openai", options)

    def read_row(cells: Sequence[str]) -> CostRecord | None:
        if numbers.is_blank("num_model_requests", cells) and numbers.is_blank("input_tokens", cells):
            return None
        when, found = bucket_of(cells), dimensions.read(cells)
        count = {column: numbers.count(column, cells) for column in COUNTS}
        usage = read_usage(count)
        model_name = canonical_model(found["model"])
        metadata = when.metadata | dimensions.shown(found, model_name)
        conditions = Conditions("request" if usage.requests == 1 else "unknown", read_context(found))
        model = ModelRef("openai", found["model"], model_name)
        cost_usd = estimate(metadata, model, usage, when.timestamp, conditions)
        return CostRecord(
            provider="openai",
            timestamp=when.timestamp,
            model_name=model_name or NO_MODEL,
            cost_usd=cost_usd,
            source_key=identity(name, options.account, when.key, *found.values()),
            cost_basis="estimated",
            **usage.token_counts,
            request_count=usage.requests,
            day=when.day,
            billing_account=account,
            dataset=name,
            metadata=metadata,
        )

    return dimensions.parse_rows(table, read_row)


def read_usage(count: dict[str, int]) -> Usage:
    """The tokens of a row; OpenAI's input includes cached tokens, its audio input excludes them."""
    if count["input_cached_tokens"] + count["input_cache_write_tokens"] > count["input_tokens"]:
        raise RowRejected(
            f"there are more cached tokens than input tokens ({quote(str(count['input_tokens']))})"
        )
    return Usage(
        input_tokens=count["input_tokens"],
        output_tokens=count["output_tokens"],
        cached_input_tokens=count["input_cached_tokens"],
        cache_write_tokens=count["input_cache_write_tokens"],
        input_audio_tokens=count["input_audio_tokens"] + count["input_cached_audio_tokens"],
        cached_audio_tokens=count["input_cached_audio_tokens"],
        output_audio_tokens=count["output_audio_tokens"],
        requests=count["num_model_requests"],
    )


def read_context(found: dict[str, str]) -> dict[str, str]:
    """Conditions that change the standard price."""
    context: dict[str, str] = {}
    if found["batch"].lower() in ("true", "1"):
        context["processing"] = "batch"
    if condition := find_condition(found["service_tier"]):
        context[condition[0]] = condition[1]
    return context
