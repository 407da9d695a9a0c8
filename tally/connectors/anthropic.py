"""Anthropic's Admin API: daily costs, token usage, and Claude Code usage by user."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from pydantic import SecretStr

from tally.catalog.models import canonical_model
from tally.connectors.client import ApiClient, QueryParams
from tally.connectors.datasets import Dataset, FetchRequest, ProviderApi, Window, drop_blanks, list_rows
from tally.connectors.errors import RequestRefused
from tally.connectors.fields import (
    check_currency,
    read_amount,
    read_count,
    read_day,
    read_object,
    read_rows,
    read_text,
)
from tally.core.records import JSON, NO_MODEL, CostRecord, day_instant, identity
from tally.importers.anthropic_cost import CHARGES
from tally.importers.anthropic_usage import read_context
from tally.importers.exports import CLAUDE_DEFAULTS, context_tier
from tally.pricing.estimate import estimate
from tally.pricing.usage import SUM_OF_REQUESTS, Conditions, ModelRef, Usage

PROVIDER, SUBSCRIPTION = "anthropic", "claude-desktop"
COST, USAGE, CLAUDE_CODE = "anthropic_api_cost", "anthropic_api_usage", "anthropic_api_claude_code"
VERSION = "2023-06-01"
FAST_MODE = {"anthropic-beta": "fast-mode-2026-02-01"}
MAX_BUCKETS, MAX_ROWS = 31, 1_000  # per page
CENTS_PER_DOLLAR = 100
COST_DIMENSIONS = (
    "workspace_id",
    "description",
    "cost_type",
    "model",
    "token_type",
    "service_tier",
    "context_window",
    "inference_geo",
)
USAGE_DIMENSIONS = (
    "model",
    "workspace_id",
    "api_key_id",
    "service_tier",
    "context_window",
    "inference_geo",
    "speed",
)
DEFAULTS = CLAUDE_DEFAULTS | {"service_tier": ("standard",)}
BAD_REQUEST = 400


def fetch_cost(client: ApiClient, request: FetchRequest) -> Iterator[CostRecord]:
    """Yield a billed record per day, workspace and kind of charge; the API's amounts are in cents."""
    grouping = ("workspace_id", "description")
    for day, row in _rows(client, "v1/organizations/cost_report", grouping, request.window):
        cost_usd = read_amount(row, "amount") / CENTS_PER_DOLLAR
        check_currency(row)
        found = _dimensions(row, COST_DIMENSIONS)
        yield CostRecord(
            provider=PROVIDER,
            timestamp=day_instant(day, "UTC"),
            model_name=canonical_model(found["model"]) or CHARGES.get(found["cost_type"]) or NO_MODEL,
            cost_usd=cost_usd,
            source_key=identity(COST, request.account, day, *found.values()),
            charge_type="usage" if cost_usd >= 0 else "adjustment",
            day=day,
            billing_account=request.find_billing_account(PROVIDER),
            dataset=COST,
            metadata=drop_blanks(found),
        )


def fetch_usage(client: ApiClient, request: FetchRequest) -> Iterator[CostRecord]:
    """Yield an estimated record per day and combination of dimensions."""
    for day, row in _usage_rows(client, request.window):
        found, usage = _dimensions(row, USAGE_DIMENSIONS), _read_usage(row)
        named = {name: text for name, text in found.items() if name != "model"}
        conditions = Conditions(context_tier(read_text(row, "context_window")), _price_context(found))
        key = identity(USAGE, request.account, day, *found.values())
        used = _ModelUsage(USAGE, day, found["model"], usage, conditions)
        yield _usage_record(request, used, drop_blanks(named), key)


def fetch_claude_code(client: ApiClient, request: FetchRequest) -> Iterator[CostRecord]:
    """Yield a record per day, user, terminal and model: covered by a plan, or estimated."""
    for day in request.window.days:
        query: QueryParams = [("starting_at", day.isoformat()), ("limit", MAX_ROWS)]
        for page in client.list_pages("v1/organizations/usage_report/claude_code", query):
            for row in read_rows(page, "data"):
                if read_day(row.get("date")) == day:
                    yield from _claude_code_records(request, day, row)


def _claude_code_records(request: FetchRequest, day: date, row: Mapping[str, Any]) -> Iterator[CostRecord]:
    actor = read_object(row, "actor")
    is_covered = read_text(row, "customer_type") == "subscription"
    provider = SUBSCRIPTION if is_covered else PROVIDER
    named = {
        "actor": read_text(actor, "email_address") or read_text(actor, "api_key_name"),
        "terminal_type": read_text(row, "terminal_type"),
        "is_remote": read_text(row, "is_remote").replace("false", ""),
        "subscription_type": read_text(row, "subscription_type"),
    }
    for part in read_rows(row.get("model_breakdown"), "model_breakdown"):
        model = read_text(part, "model")
        usage = _read_claude_code_usage(read_object(part, "tokens"))
        used = _ModelUsage(CLAUDE_CODE, day, model, usage, SUM_OF_REQUESTS)
        key = identity(CLAUDE_CODE, request.account, day, provider, *named.values(), model)
        record = _usage_record(request, used, drop_blanks(named), key)
        if is_covered:
            account = request.find_billing_account(provider, read_text(row, "organization_id"))
            record = replace(record, provider=provider, cost_basis="included", billing_account=account)
        yield record


def _read_claude_code_usage(tokens: Mapping[str, Any]) -> Usage:
    cached, written = read_count(tokens, "cache_read"), read_count(tokens, "cache_creation")
    return Usage(
        input_tokens=read_count(tokens, "input", needed=True) + cached + written,
        output_tokens=read_count(tokens, "output", needed=True),
        cached_input_tokens=cached,
        cache_write_tokens=written,
    )


@dataclass(frozen=True, slots=True)
class _ModelUsage:
    """A model's usage on a day in one dataset, and the conditions of its price."""

    dataset: str
    day: date
    model: str
    usage: Usage
    conditions: Conditions


def _usage_record(
    request: FetchRequest, used: _ModelUsage, metadata: dict[str, JSON], key: UUID
) -> CostRecord:
    """Return an estimated record; the source of its price is added to the metadata."""
    at, usage = day_instant(used.day, "UTC"), used.usage
    model_name = canonical_model(used.model) or NO_MODEL
    cost_usd = estimate(metadata, ModelRef(PROVIDER, used.model, model_name), usage, at, used.conditions)
    return CostRecord(
        provider=PROVIDER,
        timestamp=at,
        model_name=model_name,
        cost_usd=cost_usd,
        source_key=key,
        cost_basis="estimated",
        **usage.token_counts,
        day=used.day,
        billing_account=request.find_billing_account(PROVIDER),
        dataset=used.dataset,
        metadata=metadata,
    )


def _usage_rows(client: ApiClient, window: Window) -> Iterator[tuple[date, dict[str, Any]]]:
    """Yield usage rows, by speed as long as the API has the beta for it."""
    path = "v1/organizations/usage_report/messages"
    try:
        yield from _rows(client, path, USAGE_DIMENSIONS, window, FAST_MODE)
    except RequestRefused as refused:
        if refused.status != BAD_REQUEST:
            raise
        yield from _rows(client, path, USAGE_DIMENSIONS[:-1], window)


def _rows(
    client: ApiClient,
    path: str,
    grouping: Sequence[str],
    window: Window,
    headers: Mapping[str, str] | None = None,
) -> Iterator[tuple[date, dict[str, Any]]]:
    """Yield the rows of the window's buckets, with their day."""
    query = [*_bounds(window), *(("group_by[]", name) for name in grouping)]
    return list_rows(client.list_pages(path, query, headers), window, "starting_at", "ending_at")


def _bounds(window: Window) -> QueryParams:
    starts = datetime.combine(window.first_day, time(), UTC)
    # The API returns "buckets that end before" this: an extra day includes the last bucket for certain.
    ends = datetime.combine(window.last_day + timedelta(days=2), time(), UTC)
    query: list[tuple[str, str | int]] = [("starting_at", f"{starts:%Y-%m-%dT%H:%M:%SZ}")]
    if ends <= datetime.now(UTC):
        query.append(("ending_at", f"{ends:%Y-%m-%dT%H:%M:%SZ}"))
    return [*query, ("bucket_width", "1d"), ("limit", MAX_BUCKETS)]


def _dimensions(row: Mapping[str, Any], names: Sequence[str]) -> dict[str, str]:
    """Return a row's dimensions; defaults become empty."""
    found = {name: read_text(row, name) for name in names}
    return {name: "" if text.lower() in DEFAULTS.get(name, ()) else text for name, text in found.items()}


def _read_usage(row: Mapping[str, Any]) -> Usage:
    """Return a row's tokens; Anthropic's input excludes cached tokens."""
    created = read_object(row, "cache_creation")
    write_5m, write_1h = (
        read_count(created, f"ephemeral_{lifetime}_input_tokens") for lifetime in ("5m", "1h")
    )
    cached = read_count(row, "cache_read_input_tokens")
    return Usage(
        input_tokens=read_count(row, "uncached_input_tokens", needed=True) + cached + write_5m + write_1h,
        output_tokens=read_count(row, "output_tokens", needed=True),
        cached_input_tokens=cached,
        cache_write_tokens=write_5m + write_1h,
        cache_write_1h_tokens=write_1h,
        web_searches=read_count(read_object(row, "server_tool_use"), "web_search_requests"),
    )


def _price_context(found: Mapping[str, str]) -> dict[str, str]:
    """Return the conditions under which the price is not the standard one."""
    return read_context({**found, "usage_type": found["service_tier"]})


def _headers(key: SecretStr) -> dict[str, str]:
    return {"x-api-key": key.get_secret_value(), "anthropic-version": VERSION}


def _check(client: ApiClient, today: date) -> None:
    yesterday = today - timedelta(days=1)
    next(iter(client.list_pages("v1/organizations/cost_report", _bounds(Window(yesterday, yesterday)))), None)


API = ProviderApi(
    provider=PROVIDER,
    title="Anthropic",
    key_name="Admin key",
    key_advice=(
        "Costs and usage need an admin key (it starts with sk-ant-admin), not an API key. An admin of the "
        "organization can create one in the Console under Settings, Admin keys. Individual accounts cannot."
    ),
    datasets=(
        Dataset(COST, "costs", fetch_cost),
        Dataset(USAGE, "usage", fetch_usage),
        Dataset(CLAUDE_CODE, "Claude Code", fetch_claude_code),
    ),
    headers=_headers,
    check=_check,
)
