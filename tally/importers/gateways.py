"""What gateways and tracers have in common: they see requests to many providers and say little about each."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from uuid import UUID

from tally.catalog.models import canonical_claude
from tally.catalog.providers import find_provider
from tally.core.records import JSON, NO_MODEL, CostRecord, identity, request_identity
from tally.importers.exports import Bucket, Dimensions, ledger
from tally.importers.protocol import Options
from tally.importers.readers.table import Table
from tally.pricing.estimate import estimate
from tally.pricing.usage import ModelRef, Usage

# How the models of those begin who sell them by the request.
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
# The ids that providers give; gateways make up others.
PROVIDERS_IDS = ("msg_", "chatcmpl-", "resp_", "gen-")
# As Amazon names what it hosts: `us.anthropic.claude-sonnet-4-5-20250929-v1:0`.
_BEDROCK = re.compile(r"(?:(?:us|eu|apac|global)\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek)\.")


@lru_cache(10_000)
def find_maker(model: str) -> tuple[str, str]:
    """Whose model it is (our slug, empty where unknown), and its name as other sources write it."""
    if _BEDROCK.match(model):
        return "aws-bedrock", model
    before, slash, rest = model.partition("/")
    if slash and before == "models":
        return find_maker(rest)
    if slash and (slug := find_provider(before)):
        return slug, canonical_claude(rest) or NO_MODEL
    maker = next((slug for slug, names in _MAKERS if re.match(names, model, re.IGNORECASE)), "")
    return maker, canonical_claude(model) or NO_MODEL


def name_request(metadata: dict[str, JSON], importer_name: str, options: Options, request_id: str) -> UUID:
    """The identity of a request: by its provider's id, which is kept, or by the gateway's own."""
    if request_id.startswith(PROVIDERS_IDS):
        metadata["request_id"] = request_id
        return request_identity(request_id)
    return identity(importer_name, options.account, request_id)


@dataclass(frozen=True, slots=True)
class Reported:
    """One row of usage as a gateway reported it; no cost, or a cost of 0, is one it did not know."""

    when: Bucket
    model: str
    source_key: UUID
    cost_usd: Decimal | None
    usage: Usage
    reasoning_tokens: int = 0


def make_record(reported: Reported, gateway: str, metadata: dict[str, JSON], options: Options) -> CostRecord:
    """The record of a request, at the gateway's cost, or at list price where it knew none."""
    when, model, usage, cost_usd = reported.when, reported.model, reported.usage, reported.cost_usd
    maker, model_name = find_maker(model)
    provider = maker or gateway
    metadata |= when.metadata
    if maker:
        metadata["ledger"] = ledger(maker, options)
    if model and model != model_name:
        metadata["model"] = model
    if not cost_usd and (cost_usd is None or usage.input_tokens + usage.output_tokens):
        cost_usd = estimate(metadata, ModelRef(provider, model_name), usage, when.timestamp)
    return CostRecord(
        provider=provider,
        timestamp=when.timestamp,
        model_name=model_name,
        cost_usd=cost_usd,
        source_key=reported.source_key,
        cost_basis="estimated",
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        reasoning_tokens=reported.reasoning_tokens,
        request_count=1,
        metadata=metadata,
    )


def normalise_columns(header: Sequence[str]) -> dict[str, str]:
    """`startTime`, `start_time` and `Start Time` are one column: that name -> the heading as it stands."""
    return {re.sub(r"[^a-z0-9.]", "", heading.casefold()): heading.casefold() for heading in reversed(header)}


def find_reader(table: Table, columns: Mapping[str, str], *names: str) -> Callable[[Sequence[str]], str]:
    """A reader of the first of these columns that there is."""
    return table.reader(next((columns[name] for name in names if name in columns), ""))


class Named:
    """Columns under any spelling of their names, read under ours; what cannot be a name rejects its row."""

    def __init__(self, table: Table, columns: Mapping[str, str], names: Mapping[str, str]) -> None:
        self._headings = {ours: columns[theirs] for theirs, ours in names.items() if theirs in columns}
        self._dimensions = Dimensions(table, [*self._headings.values()])

    def read(self, cells: Sequence[str]) -> dict[str, JSON]:
        """What a row says in them; what it leaves empty is left out."""
        found = self._dimensions.read(cells)
        return {ours: found[heading] for ours, heading in self._headings.items() if found[heading]}
