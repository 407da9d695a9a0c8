"""OpenAI's organization API: what each UTC day was charged, and every kind of usage beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tally.connectors.answers import (
    check_currency,
    read_amount,
    read_count,
    read_object,
    read_text,
)
from tally.connectors.client import ApiClient, Query, RequestRefused, bearer
from tally.connectors.datasets import Dataset, ProviderApi, Request, Window, list_rows
from tally.core.records import JSON, NO_MODEL, CostRecord, canonical_decimal, day_instant, identity
from tally.importers.openai_cost import model_of
from tally.importers.openai_usage import COUNTS, read_context, read_usage
from tally.pricing.estimate import estimate
from tally.pricing.usage import Conditions, ModelRef, Usage

PROVIDER = "openai"
COSTS, USAGE = "openai_api_costs", "openai_api_usage"
BUCKETS = 31  # a page
COST_DIMENSIONS = ("project_id", "line_item")
SAYS_NOTHING = {"batch": ("false",), "service_tier": ("default", "standard")}
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Kind:
    """One endpoint of usage: how it is broken down, and what it counts besides tokens."""

    path: str
    dimensions: tuple[str, ...]
    counts: tuple[str, ...] = ()
    has_tokens: bool = False
    title: str = ""  # of usage without a model


_WHO = ("project_id", "api_key_id")
KINDS = {
    "completions": Kind(
        "organization/usage/completions", (*_WHO, "model", "batch", "service_tier"), has_tokens=True
    ),
    "embeddings": Kind("organization/usage/embeddings", (*_WHO, "model"), has_tokens=True),
    "moderations": Kind("organization/usage/moderations", (*_WHO, "model"), has_tokens=True),
    "images": Kind("organization/usage/images", (*_WHO, "model", "size", "source"), ("images",)),
    "audio_speeches": Kind("organization/usage/audio_speeches", (*_WHO, "model"), ("characters",)),
    "audio_transcriptions": Kind("organization/usage/audio_transcriptions", (*_WHO, "model"), ("seconds",)),
    "vector_stores": Kind(
        "organization/usage/vector_stores", ("project_id",), ("usage_bytes",), title="vector stores"
    ),
    "code_interpreter_sessions": Kind(
        "organization/usage/code_interpreter_sessions",
        ("project_id",),
        ("num_sessions",),
        title="code interpreter",
    ),
    "file_search_calls": Kind(
        "organization/usage/file_search_calls", _WHO, ("num_requests",), title="file search"
    ),
    "web_search_calls": Kind(
        "organization/usage/web_search_calls", (*_WHO, "model", "context_level"), ("num_requests",)
    ),
}
# Their requests are counted where the model answered; these are calls that it made meanwhile.
TOOL_CALLS = ("file_search_calls", "web_search_calls")


def fetch_costs(client: ApiClient, request: Request) -> Iterator[CostRecord]:
    """One billed record for each day, project and line item."""
    for day, row in _rows(client, "organization/costs", COST_DIMENSIONS, request.window):
        amount = read_object(row, "amount")
        cost_usd = read_amount(amount, "value")
        if cost_usd:
            check_currency(amount)
        found = {name: read_text(row, name) for name in COST_DIMENSIONS}
        metadata = request.metadata(PROVIDER, COSTS, day, found)
        if row.get("quantity") is not None:
            unit = read_text(row, "quantity_unit")
            metadata["quantity"] = f"{canonical_decimal(read_amount(row, 'quantity'))} {unit}".strip()
        yield CostRecord(
            provider=PROVIDER,
            timestamp=day_instant(day, "UTC"),
            model_name=model_of(found["line_item"]),
            cost_usd=cost_usd,
            source_key=identity(COSTS, request.account, day, *found.values()),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            metadata=metadata,
        )


def fetch_usage(client: ApiClient, request: Request) -> Iterator[CostRecord]:
    """One estimated record for each day and combination of dimensions, of every kind of usage."""
    for name, kind in KINDS.items():
        try:
            for day, row in _rows(client, kind.path, kind.dimensions, request.window):
                yield _usage_record(request, name, kind, day, row)
        except RequestRefused as refused:
            if refused.status != NOT_FOUND or kind.has_tokens:
                raise
            # An account without this product: it has no such usage.


def _usage_record(request: Request, name: str, kind: Kind, day: date, row: Mapping[str, Any]) -> CostRecord:
    found = {dimension: _special(dimension, read_text(row, dimension)) for dimension in kind.dimensions}
    model = found.get("model", "")
    named = {dimension: text for dimension, text in found.items() if text != model}
    metadata = request.metadata(PROVIDER, USAGE, day, {"kind": name} | named)
    metadata |= {count: read_count(row, count) for count in kind.counts}
    if not kind.has_tokens:
        # The bill calls it "web search tool calls" or the like: any bill of the day has it.
        metadata["billed_under_other_name"] = True
    usage = _read_usage(name, kind, row)
    at = day_instant(day, "UTC")
    return CostRecord(
        provider=PROVIDER,
        timestamp=at,
        model_name=model or kind.title or NO_MODEL,
        cost_usd=_estimate(metadata, kind, model, usage, at, found),
        source_key=identity(USAGE, request.account, day, name, *found.values()),
        cost_basis="estimated",
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_input_tokens=usage.cached_input_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        request_count=0 if name in TOOL_CALLS else usage.requests,
        metadata=metadata,
    )


def _read_usage(name: str, kind: Kind, row: Mapping[str, Any]) -> Usage:
    needed = ("input_tokens", "output_tokens") if name == "completions" else ("input_tokens",)
    if kind.has_tokens:
        return read_usage({column: read_count(row, column, column in needed) for column in COUNTS})
    searches = read_count(row, "num_requests") if name == "web_search_calls" else 0
    requests = 0 if searches else read_count(row, "num_model_requests")
    return Usage(web_searches=searches, requests=requests)


def _estimate(
    metadata: dict[str, JSON],
    kind: Kind,
    model: str,
    usage: Usage,
    at: datetime,
    found: Mapping[str, str],
) -> Decimal | None:
    """The list price; None for what is counted in images, seconds or bytes, which only a bill prices."""
    if not kind.has_tokens and not usage.web_searches:
        return None
    context = read_context({"batch": found.get("batch", ""), "service_tier": found.get("service_tier", "")})
    conditions = Conditions("request" if usage.requests == 1 else "unknown", context)
    return estimate(metadata, ModelRef(PROVIDER, model), usage, at, conditions)


def _rows(
    client: ApiClient, path: str, dimensions: tuple[str, ...], window: Window
) -> Iterator[tuple[date, dict[str, Any]]]:
    """The rows of every bucket of the window, with their day."""
    query = [*_bounds(window), *(("group_by[]", name) for name in dimensions)]
    return list_rows(client.list_pages(path, query), window, "start_time", "end_time")


def _bounds(window: Window) -> Query:
    starts = datetime.combine(window.first_day, time(), UTC)
    ends = datetime.combine(window.last_day + timedelta(days=1), time(), UTC)
    return [
        ("start_time", int(starts.timestamp())),
        ("end_time", int(ends.timestamp())),
        ("bucket_width", "1d"),
        ("limit", BUCKETS),
    ]


def _special(dimension: str, text: str) -> str:
    return "" if text in SAYS_NOTHING.get(dimension, ()) else text


def _check(client: ApiClient, today: date) -> None:
    yesterday = today - timedelta(days=1)
    client.get("organization/costs", _bounds(Window(yesterday, yesterday)))


API = ProviderApi(
    provider=PROVIDER,
    title="OpenAI",
    key_name="Admin key",
    key_advice=(
        "Costs and usage need an admin key (it begins with sk-admin-), not a project's key. An owner of the "
        "organization creates one on platform.openai.com under Settings, Organization, Admin keys."
    ),
    datasets=(Dataset(COSTS, "costs", fetch_costs), Dataset(USAGE, "usage", fetch_usage)),
    headers=bearer,
    check=_check,
)
