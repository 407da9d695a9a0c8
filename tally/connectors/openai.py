"""OpenAI's organization API: daily costs, and every kind of usage."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from tally.catalog.models import canonical_model
from tally.connectors.client import ApiClient, QueryParams
from tally.connectors.datasets import Dataset, FetchRequest, ProviderApi, Window, drop_blanks, list_rows
from tally.connectors.errors import RequestRefused
from tally.connectors.fields import (
    check_currency,
    read_amount,
    read_count,
    read_object,
    read_text,
)
from tally.connectors.hosts import bearer
from tally.core.encoding import canonical_decimal
from tally.core.records import JSON, NO_MODEL, CostRecord, day_instant, identity
from tally.importers.openai_cost import model_of
from tally.importers.openai_usage import COUNTS, read_context, read_usage
from tally.pricing.estimate import estimate
from tally.pricing.usage import Conditions, ModelRef, Usage

PROVIDER = "openai"
COSTS, USAGE = "openai_api_costs", "openai_api_usage"
MAX_BUCKETS = 31  # per page
COST_DIMENSIONS = ("project_id", "line_item")
DEFAULTS = {"batch": ("false",), "service_tier": ("default", "standard")}
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class UsageKind:
    """A usage endpoint: its dimensions, and what it counts besides tokens."""

    path: str
    dimensions: tuple[str, ...]
    counts: tuple[str, ...] = ()
    has_tokens: bool = False
    title: str = ""  # of usage without a model


_KEY_DIMENSIONS = ("project_id", "api_key_id")
KINDS = {
    "completions": UsageKind(
        "organization/usage/completions",
        (*_KEY_DIMENSIONS, "model", "batch", "service_tier"),
        has_tokens=True,
    ),
    "embeddings": UsageKind("organization/usage/embeddings", (*_KEY_DIMENSIONS, "model"), has_tokens=True),
    "moderations": UsageKind("organization/usage/moderations", (*_KEY_DIMENSIONS, "model"), has_tokens=True),
    "images": UsageKind(
        "organization/usage/images", (*_KEY_DIMENSIONS, "model", "size", "source"), ("images",)
    ),
    "audio_speeches": UsageKind(
        "organization/usage/audio_speeches", (*_KEY_DIMENSIONS, "model"), ("characters",)
    ),
    "audio_transcriptions": UsageKind(
        "organization/usage/audio_transcriptions", (*_KEY_DIMENSIONS, "model"), ("seconds",)
    ),
    "vector_stores": UsageKind(
        "organization/usage/vector_stores", ("project_id",), ("usage_bytes",), title="vector stores"
    ),
    "code_interpreter_sessions": UsageKind(
        "organization/usage/code_interpreter_sessions",
        ("project_id",),
        ("num_sessions",),
        title="code interpreter",
    ),
    "file_search_calls": UsageKind(
        "organization/usage/file_search_calls", _KEY_DIMENSIONS, ("num_requests",), title="file search"
    ),
    "web_search_calls": UsageKind(
        "organization/usage/web_search_calls", (*_KEY_DIMENSIONS, "model", "context_level"), ("num_requests",)
    ),
}
# Calls made by a model: the request itself is counted under the model.
TOOL_CALLS = ("file_search_calls", "web_search_calls")


def fetch_costs(client: ApiClient, request: FetchRequest) -> Iterator[CostRecord]:
    """Yield a billed record per day, project and line item."""
    for day, row in _rows(client, "organization/costs", COST_DIMENSIONS, request.window):
        amount = read_object(row, "amount")
        cost_usd = read_amount(amount, "value")
        if cost_usd:
            check_currency(amount)
        found = {name: read_text(row, name) for name in COST_DIMENSIONS}
        organization = read_text(row, "organization_id")
        metadata = drop_blanks({"organization_id": organization} | found)
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
            day=day,
            billing_account=request.find_billing_account(PROVIDER, organization),
            dataset=COSTS,
            metadata=metadata,
        )


def fetch_usage(client: ApiClient, request: FetchRequest) -> Iterator[CostRecord]:
    """Yield an estimated record per day and combination of dimensions, for every kind of usage."""
    for name, kind in KINDS.items():
        try:
            for day, row in _rows(client, kind.path, kind.dimensions, request.window):
                yield _usage_record(request, name, kind, day, row)
        except RequestRefused as refused:
            if refused.status != NOT_FOUND or kind.has_tokens:
                raise
            # The account does not have this product, so there is no usage of it.


def _usage_record(
    request: FetchRequest, name: str, kind: UsageKind, day: date, row: Mapping[str, Any]
) -> CostRecord:
    found = {
        dimension: _without_default(dimension, read_text(row, dimension)) for dimension in kind.dimensions
    }
    model = found.get("model", "")
    model_name = canonical_model(model)
    named_model = ModelRef(PROVIDER, model, model_name)
    named = {dimension: text for dimension, text in found.items() if text != model_name}
    metadata = drop_blanks({"kind": name} | named) | _counts(kind, row)
    usage = _read_usage(name, kind, row)
    at = day_instant(day, "UTC")
    cost_usd = None  # images, seconds and bytes are priced only in bills
    if kind.has_tokens or usage.web_searches:
        cost_usd = estimate(metadata, named_model, usage, at, _conditions(usage, found))
    return CostRecord(
        provider=PROVIDER,
        timestamp=at,
        model_name=model_name or kind.title or NO_MODEL,
        cost_usd=cost_usd,
        source_key=identity(USAGE, request.account, day, name, *found.values()),
        cost_basis="estimated",
        **usage.token_counts,
        request_count=0 if name in TOOL_CALLS else usage.requests,
        day=day,
        billing_account=request.find_billing_account(PROVIDER),
        dataset=USAGE,
        # Bills use other names ("web search tool calls"), so any bill of the day covers this usage.
        billed_under_other_name=not kind.has_tokens,
        metadata=metadata,
    )


def _counts(kind: UsageKind, row: Mapping[str, Any]) -> dict[str, JSON]:
    """Return the counts other than tokens, as metadata."""
    return {count: read_count(row, count) for count in kind.counts}


def _read_usage(name: str, kind: UsageKind, row: Mapping[str, Any]) -> Usage:
    needed = ("input_tokens", "output_tokens") if name == "completions" else ("input_tokens",)
    if kind.has_tokens:
        return read_usage({column: read_count(row, column, column in needed) for column in COUNTS})
    searches = read_count(row, "num_requests") if name == "web_search_calls" else 0
    requests = 0 if searches else read_count(row, "num_model_requests")
    return Usage(web_searches=searches, requests=requests)


def _conditions(usage: Usage, found: Mapping[str, str]) -> Conditions:
    context = read_context({"batch": found.get("batch", ""), "service_tier": found.get("service_tier", "")})
    return Conditions("request" if usage.requests == 1 else "unknown", context)


def _rows(
    client: ApiClient, path: str, dimensions: tuple[str, ...], window: Window
) -> Iterator[tuple[date, dict[str, Any]]]:
    """Yield the rows of the window's buckets, with their day."""
    query = [*_bounds(window), *(("group_by[]", name) for name in dimensions)]
    return list_rows(client.list_pages(path, query), window, "start_time", "end_time")


def _bounds(window: Window) -> QueryParams:
    starts = datetime.combine(window.first_day, time(), UTC)
    ends = datetime.combine(window.last_day + timedelta(days=1), time(), UTC)
    return [
        ("start_time", int(starts.timestamp())),
        ("end_time", int(ends.timestamp())),
        ("bucket_width", "1d"),
        ("limit", MAX_BUCKETS),
    ]


def _without_default(dimension: str, text: str) -> str:
    return "" if text in DEFAULTS.get(dimension, ()) else text


def _check(client: ApiClient, today: date) -> None:
    yesterday = today - timedelta(days=1)
    client.get("organization/costs", _bounds(Window(yesterday, yesterday)))


API = ProviderApi(
    provider=PROVIDER,
    title="OpenAI",
    key_name="Admin key",
    key_advice=(
        "Costs and usage need an admin key (it starts with sk-admin-), not a project key. An owner of the "
        "organization can create one on platform.openai.com under Settings, Organization, Admin keys."
    ),
    datasets=(Dataset(COSTS, "costs", fetch_costs), Dataset(USAGE, "usage", fetch_usage)),
    headers=bearer,
    check=_check,
)
