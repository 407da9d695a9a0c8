"""OpenTelemetry's JSON as rows: one for each span, log record and batch of metrics, under Tally's columns.

A line or file is a batch (`resourceSpans`, `resourceLogs`, `resourceMetrics`) or a single span or log record.
Prompts and answers are left out.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tally.core.response_ids import find_response_id

Record = Mapping[str, Any]

BATCHES = {
    "resourceSpans": ("span", "scopeSpans", "spans"),
    "resourceLogs": ("log", "scopeLogs", "logRecords"),
}
METRICS = "resourceMetrics"
RESPONSE = "output.value"  # OpenInference tells the id of a response only within the response
# Column -> attributes that mean it; the first that is present applies. GenAI conventions of all ages,
# OpenInference, OpenLLMetry, the AI SDK, Langfuse, Logfire, LiteLLM, and coding agents' own events.
ATTRIBUTES = {
    "provider": (
        "gen_ai.provider.name",
        "gen_ai.system",
        "llm.provider",
        "llm.system",
        "ai.model.provider",
    ),
    "model": (
        "gen_ai.response.model",
        "ai.response.model",
        "langfuse.observation.model.name",
        "llm.model_name",
        "gen_ai.request.model",
        "ai.model.id",
        "llm.response.model",
        "llm.request.model",
        "embedding.model_name",
        "model",
    ),
    "response_id": ("gen_ai.response.id", "ai.response.id", "llm.response.id", "request_id"),
    "request_id": ("anthropic.request.id", "request_id"),
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "ai.usage.tokens",
        "llm.usage.prompt_tokens",
        "input_token_count",
        "input_tokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
        "llm.usage.completion_tokens",
        "output_token_count",
        "output_tokens",
    ),
    "cache_read": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.input_tokens.cached",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
        "cached_token_count",
        "cached_content_token_count",
        "cache_read_tokens",
    ),
    "cache_write": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.input_tokens.cache_write",
        "llm.token_count.prompt_details.cache_write",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
        "cache_write_token_count",
        "cache_creation_tokens",
    ),
    "cache_write_1h": ("anthropic.usage.cache_creation.ephemeral_1h_input_tokens",),
    "reasoning": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "gen_ai.usage.output_tokens.reasoning",
        "llm.token_count.completion_details.reasoning",
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
        "reasoning_token_count",
        "thoughts_token_count",
    ),
    "tool_tokens": ("tool_token_count",),
    "usage_details": ("langfuse.observation.usage_details",),
    "input_token_details": ("gen_ai.usage.input_token_details",),
    "provider_metadata": ("ai.response.providerMetadata",),
    "cost_details": ("langfuse.observation.cost_details",),
    "cost": (
        "gen_ai.usage.total_cost",
        "gen_ai.usage.cost",
        "gen_ai.cost.total_cost",
        "llm.cost.total",
        "operation.cost",
        "cost_usd",
    ),
    "operation": ("gen_ai.operation.name", "ai.operationId"),
    "kind": (
        "openinference.span.kind",
        "langfuse.observation.type",
        "traceloop.span.kind",
        "langsmith.span.kind",
    ),
    "tier": (
        "gen_ai.openai.response.service_tier",
        "openai.response.service_tier",
        "anthropic.response.service_tier",
        "speed",
    ),
    "address": ("server.address", "gen_ai.openai.api_base"),
    "session": (
        "gen_ai.conversation.id",
        "session.id",
        "conversation.id",
        "langsmith.trace.session_id",
        "langfuse.session.id",
        "ai.telemetry.metadata.sessionId",
        "thread.id",
    ),
    "agent": ("gen_ai.agent.name", "llm.agent.name", "langfuse.trace.name"),
    "paid_with": ("auth_mode", "auth_type"),
    "event": ("event.name",),
    "event_time": ("event.timestamp",),
}
RESOURCE = {"service": ("service.name",), "environment": ("deployment.environment.name",)}
COLUMNS = (
    *("signal", "trace_id", "span_id", "parent_id", "scope", "name", "status", "start", "time"),
    *RESOURCE,
    *ATTRIBUTES,
    "has_unknown_counts",
)

_COUNT = re.compile(r"(?<!max_)(?:input|output|prompt|completion)[._]?tokens?", re.IGNORECASE)


def is_telemetry(value: object) -> bool:
    """Check whether JSON is a batch, a span or a log record."""
    if not isinstance(value, dict):
        return False
    if not value.keys().isdisjoint((*BATCHES, METRICS)):
        return True
    has_attributes = isinstance(value.get("attributes"), dict | list)
    return has_attributes and (bool(_ids(value).get("span")) or "timeUnixNano" in value or "hrTime" in value)


def split_telemetry(value: Record) -> Iterator[dict[str, str]]:
    """Yield the rows of a batch, or of a single span or log record."""
    if value.keys().isdisjoint((*BATCHES, METRICS)):
        yield _read_item(value, "log" if _is_log(value) else "span", "", _attributes(value.get("resource")))
    for key, (signal, scopes, items) in BATCHES.items():
        for resource in _objects(value.get(key)):
            about = _attributes(resource.get("resource"))
            for scope in _objects(resource.get(scopes)):
                name = _text(_child(scope, "scope").get("name"))
                for item in _objects(scope.get(items)):
                    yield _read_item(item, signal, name, about)
    if METRICS in value:
        yield dict.fromkeys(COLUMNS, "") | {"signal": "metric"}


def _is_log(item: Record) -> bool:
    return "body" in item or "timeUnixNano" in item or ("endTime" not in item and "hrTime" in item)


def _read_item(item: Record, signal: str, scope: str, about: Record) -> dict[str, str]:
    attributes, ids = _attributes(item), _ids(item)
    row = {column: _first(attributes, keys) for column, keys in ATTRIBUTES.items()}
    row |= {column: _first(about, keys) for column, keys in RESOURCE.items()}
    row["response_id"] = row["response_id"] or find_response_id(_text(attributes.get(RESPONSE)))
    has_counts = any(row[column] for column in ("input_tokens", "output_tokens", "usage_details"))
    return row | {
        "signal": signal,
        "trace_id": ids.get("trace", ""),
        "span_id": ids.get("span", ""),
        "parent_id": ids.get("parent", ""),
        "scope": scope or _text(_child(item, "instrumentationScope").get("name")),
        "name": _text(item.get("name") or item.get("eventName")),
        "status": _text(_child(item, "status").get("code") or _child(item, "status").get("status_code")),
        "start": _read_time(item, "startTime", "start_time"),
        "time": _read_time(item, "endTime", "end_time", "time", "observedTime", "hrTime"),
        "has_unknown_counts": "" if has_counts else str(any(map(_is_count, attributes.items()))).lower(),
    }


def _is_count(item: tuple[str, object]) -> bool:
    key, value = item
    return _COUNT.search(key) is not None and re.fullmatch("[1-9][0-9]*", _text(value)) is not None


def _ids(item: Record) -> dict[str, str]:
    context = _child(item, "spanContext") or _child(item, "context")
    keys = {
        "trace": ("traceId", "trace_id"),
        "span": ("spanId", "span_id"),
        "parent": ("parentSpanId", "parent_span_id", "parent_id"),
    }
    found = {
        name: next((text for key in both if (text := _text(item.get(key) or context.get(key)))), "")
        for name, both in keys.items()
    }
    return {name: text.lower().removeprefix("0x") for name, text in found.items()}


def _read_time(item: Record, *keys: str) -> str:
    """A time in Unix seconds, or as text; empty where it is zero."""
    for key in keys:
        value = item.get(f"{key}UnixNano") or item.get(key)
        if isinstance(value, list) and len(value) == 2:  # seconds and nanoseconds
            value = f"{_text(value[0])}{_text(value[1]).zfill(9)}"
        text = _text(value)
        if not text.isascii() or not text.isdigit():
            if text:
                return text
        elif 18 < len(text) < 21:  # nanoseconds
            return f"{text[:-9]}.{text[-9:]}"
    return ""


def _attributes(value: object) -> dict[str, object]:
    """Attributes as an object: OTLP has a list of keys and typed values."""
    listed = value.get("attributes") if isinstance(value, dict) else None
    if isinstance(listed, dict):
        return listed
    return {_text(one.get("key")): _plain(one.get("value")) for one in _objects(listed)}


def _plain(value: object) -> object:
    return next(iter(value.values()), None) if isinstance(value, dict) else value


def _first(attributes: Record, keys: tuple[str, ...]) -> str:
    return next((text for key in keys if (text := _text(attributes.get(key)))), "")


def _text(value: object) -> str:
    """A text or a number as text; empty for anything else, and for text that is no single value."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value)


def _child(values: Record, key: str) -> Record:
    value = values.get(key)
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[Record]:
    return (item for item in (value if isinstance(value, list) else []) if isinstance(item, dict))
