"""OpenAI's usage exports (completions, embeddings): tokens in buckets of a day, an hour or a minute.

Supports the columns of 2025-10. There are no costs in them; they are estimated at list price.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from tally.catalog.models import canonical_model
from tally.core.encoding import encode_parts
from tally.core.records import JSON, NO_MODEL, CostRecord, encoded_identity
from tally.importers.exports import KEPT_CELLS, Dimensions, Numbers, billing_account, bucket
from tally.importers.protocol import Options, Parsed, RowRejected
from tally.importers.readers.table import Table, quote
from tally.pricing.estimate import Estimator
from tally.pricing.service_tiers import find_condition
from tally.pricing.usage import Conditions, ModelRef, Tier, Usage

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


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Parts of a record that rows with the same dimensions share."""

    model: ModelRef
    context: Mapping[str, str]
    metadata: Mapping[str, JSON]
    key: str  # their part of the identity of a row

    @classmethod
    def of(cls, found: Mapping[str, str]) -> Self:
        """The group of these dimensions."""
        model = ModelRef("openai", found["model"], canonical_model(found["model"]))
        shown = Dimensions.shown(found, model.canonical_name)
        return cls(model, read_context(found), shown, encode_parts(*found.values()))


def identify(header: Sequence[str]) -> bool:
    """Check whether the header is one of a usage export, also of a period without usage."""
    cells = {cell.casefold() for cell in header}
    return cells >= HEADER or cells == HEADER_WITHOUT_USAGE


def parse(table: Table, options: Options) -> Parsed:
    """One estimated record per bucket and combination of dimensions; buckets without usage are blank."""
    dimensions = Dimensions(table, DIMENSIONS, defaults={"batch": ("false",), "service_tier": ("default",)})
    numbers = Numbers(table, options, *COUNTS)
    bucket_of, group_of = bucket(table, options), dimensions.reader(Group.of)
    account, source = billing_account("openai", options), encode_parts(name, options.account)
    encode_key = lru_cache(KEPT_CELLS)(encode_parts)

    @lru_cache(KEPT_CELLS)
    def find_estimator(group: Group, bucket_metadata: tuple[tuple[str, JSON], ...], tier: Tier) -> Estimator:
        metadata = dict(bucket_metadata) | dict(group.metadata)
        return Estimator(metadata, group.model, Conditions(tier, group.context))

    def read_row(cells: Sequence[str]) -> CostRecord | None:
        if numbers.is_blank("num_model_requests", cells) and numbers.is_blank("input_tokens", cells):
            return None
        when, group = bucket_of(cells), group_of(cells)
        usage = read_usage(numbers.counts(cells))
        tier: Tier = "request" if usage.requests == 1 else "unknown"
        estimator = find_estimator(group, tuple(when.metadata.items()), tier)
        cost_usd, metadata = estimator.estimate(usage, when.timestamp)
        return CostRecord(
            provider="openai",
            timestamp=when.timestamp,
            model_name=group.model.canonical_name or NO_MODEL,
            cost_usd=cost_usd,
            source_key=encoded_identity(source + encode_key(when.key) + group.key),
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


def read_context(found: Mapping[str, str]) -> dict[str, str]:
    """Conditions that change the standard price."""
    context: dict[str, str] = {}
    if found["batch"].lower() in ("true", "1"):
        context["processing"] = "batch"
    if condition := find_condition(found["service_tier"]):
        context[condition[0]] = condition[1]
    return context
