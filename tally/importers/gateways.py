"""Shared parts of gateways and tracers, which report requests to many providers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from tally.catalog.models import canonical_claude
from tally.catalog.providers import find_provider
from tally.core.records import JSON, NO_MODEL, REQUESTS, CostRecord, identity, request_identity
from tally.importers.exports import Bucket, Dimensions, billing_account
from tally.importers.protocol import Options
from tally.importers.readers.table import Table
from tally.pricing.estimate import estimate
from tally.pricing.usage import ModelRef, Usage

# Model-name prefixes by vendor.
_MAKERS = (
    ("anthropic", r"claude"),
    (
        "openai",
        r"gpt|chatgpt|o[134](-|$)|text-embedding-(3|ada)|text-davinci|whisper|dall-e|tts-|codex|omni-moderation",
    ),
    ("google", r"gemini|imagen|veo|text-bison|text-embedding-00|embedding-001"),
    ("mistral", r"mistral|codestral|ministral|pixtral|magistral|devstral|open-mi[sx]tral"),
    ("xai", r"grok"),
    ("deepseek", r"deepseek"),
    ("cohere", r"command|embed-|rerank"),
    ("perplexity", r"sonar|pplx"),
)
# Prefixes of request ids from providers; gateways generate others.
PROVIDER_ID_PREFIXES = ("msg_", "chatcmpl-", "resp_", "gen-")
# Amazon's names of models it hosts: `us.anthropic.claude-sonnet-4-5-20250929-v1:0`.
_BEDROCK = re.compile(r"(?:(?:us|eu|apac|global)\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek)\.")


@lru_cache(10_000)
def find_maker(model: str) -> tuple[str, str]:
    """A model's vendor (its slug, empty where unknown), and its name in other sources."""
    if _BEDROCK.match(model):
        return "aws-bedrock", model
    before, slash, rest = model.partition("/")
    if slash and before == "models":
        return find_maker(rest)
    if slash and (slug := find_provider(before)):
        return slug, canonical_claude(rest) or NO_MODEL
    maker = next((slug for slug, names in _MAKERS if re.match(names, model, re.IGNORECASE)), "")
    return maker, canonical_claude(model) or NO_MODEL


class EventName(NamedTuple):
    """Identity of an event, and the provider's own id of it where that is known."""

    source_key: UUID
    request_id: str | None = None


def name_request(importer_name: str, options: Options, request_id: str) -> EventName:
    """The name of a request, by the provider's id or by the gateway's."""
    if request_id.startswith(PROVIDER_ID_PREFIXES):
        return EventName(request_identity(request_id), request_id)
    return EventName(identity(importer_name, options.account, request_id))


@dataclass(frozen=True, slots=True)
class Reported:
    """One row of usage as a gateway reported it; no cost is unknown, 0 too unless the request failed."""

    when: Bucket
    model: str
    name: EventName
    cost_usd: Decimal | None
    usage: Usage
    reasoning_tokens: int = 0
    dataset: str = REQUESTS
    is_failed: bool = False

    @property
    def is_unpriced(self) -> bool:
        """Check whether used tokens have no cost, because the gateway knows no price of the model."""
        if self.cost_usd is None:
            return True
        return not (self.cost_usd or self.is_failed) and bool(
            self.usage.input_tokens + self.usage.output_tokens
        )


def make_record(reported: Reported, gateway: str, metadata: dict[str, JSON], options: Options) -> CostRecord:
    """The record of a request, at the gateway's cost, or at list price where it knew none."""
    when, model, usage, cost_usd = reported.when, reported.model, reported.usage, reported.cost_usd
    maker, model_name = find_maker(model)
    provider = maker or gateway
    if model and model != model_name:
        metadata["model"] = model
    if reported.is_unpriced:
        cost_usd = estimate(metadata, ModelRef(provider, model_name), usage, when.timestamp)
    return CostRecord(
        provider=provider,
        timestamp=when.timestamp,
        model_name=model_name,
        cost_usd=cost_usd,
        source_key=reported.name.source_key,
        cost_basis="estimated",
        **usage.token_counts,
        reasoning_tokens=reported.reasoning_tokens,
        request_count=1,
        day=when.day,
        request_id=reported.name.request_id,
        billing_account=billing_account(maker, options) if maker else None,
        dataset=reported.dataset,
        metadata=metadata,
    )


def normalise_columns(header: Sequence[str]) -> dict[str, str]:
    """Headings by one name for `startTime`, `start_time` and `Start Time`."""
    return {re.sub(r"[^a-z0-9.]", "", heading.casefold()): heading.casefold() for heading in reversed(header)}


def find_reader(table: Table, columns: Mapping[str, str], *names: str) -> Callable[[Sequence[str]], str]:
    """A reader of the first of these columns that exists."""
    return table.reader(next((columns[name] for name in names if name in columns), ""))


class Named:
    """Columns with any spelling of their headings, read under Tally's names; invalid names reject the row."""

    def __init__(self, table: Table, columns: Mapping[str, str], names: Mapping[str, str]) -> None:
        self._headings = {ours: columns[theirs] for theirs, ours in names.items() if theirs in columns}
        self._dimensions = Dimensions(table, [*self._headings.values()])

    def read(self, cells: Sequence[str]) -> dict[str, JSON]:
        """The filled cells of a row."""
        found = self._dimensions.read(cells)
        return {ours: found[heading] for ours, heading in self._headings.items() if found[heading]}
