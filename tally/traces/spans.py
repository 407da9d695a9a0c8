"""Spans of telemetry as they are stored: kind, outcome, and the few facts that pages show."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from tally.core.records import InvalidRecord
from tally.telemetry.calls import Call
from tally.telemetry.records import make_record
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import keys
from tally.telemetry.vocabularies.reading import NO_CODE, read_status
from tally.telemetry.vocabularies.told import Told
from tally.traces.stored_span import SpanKind, SpanOutcome, StoredSpan

# Attributes that name a kind, each with its words; the first that a span has decides.
KIND_KEYS = (*keys.KIND, *keys.OPERATION, keys.AI_SDK_OPERATION)
KINDS: Mapping[str, SpanKind] = {
    "llm": "llm",
    "generation": "llm",
    "embedding": "llm",
    "embeddings": "llm",
    "chat": "llm",
    "completion": "llm",
    "generate_content": "llm",
    "text_completion": "llm",
    "tool": "tool",
    "execute_tool": "tool",
    "ai.toolcall": "tool",
    "agent": "agent",
    "agent_step": "agent",
    "invoke_agent": "agent",
    "create_agent": "agent",
    "invoke_workflow": "agent",
    "workflow": "agent",
    "ai.generatetext": "agent",
    "ai.streamtext": "agent",
    "ai.generateobject": "agent",
    "ai.streamobject": "agent",
    "retriever": "retrieval",
    "retrieval": "retrieval",
    "reranker": "retrieval",
}
DATABASE_KEYS = ("db.system.name", "db.system")
HTTP_KEYS = ("http.request.method", "http.method")
RESOURCE_KEYS = (
    "service.name",
    "service.version",
    "service.namespace",
    "service.instance.id",
    "deployment.environment.name",
    "deployment.environment",
    "host.name",
    "container.name",
    "k8s.pod.name",
    "telemetry.sdk.language",
    "telemetry.sdk.version",
)
NOTED = {  # attribute -> its name in metadata
    "gen_ai.tool.name": "tool",
    "tool.name": "tool",
    "gen_ai.response.id": "response_id",
    "http.response.status_code": "http_status",
    "server.address": "server",
}
NOTED_OF_CALL = ("project", "repository", "branch", "environment", "region", "operation", "service_tier")
MAX_TEXT, MAX_ID, MAX_FACT, MAX_TAGS = 200, 300, 150, 20


def describe_priced(span: Span, call: Call | None) -> StoredSpan:
    """The span as it is stored, its call at the price of its record; without a call that none can hold."""
    try:
        return describe_span(span, call, make_record(call).cost_usd if call else None)
    except InvalidRecord:
        return describe_span(span)


def describe_span(span: Span, call: Call | None = None, cost_usd: Decimal | None = None) -> StoredSpan:
    """The span as it is stored, with the tokens of the call that it describes and what that costs.

    `cost_usd` is None where the call has no price.
    """
    kind = find_kind(span, call)
    outcome, error = find_outcome(span, call)
    facts = _describe_step(span) if call is None else _describe_call(call, cost_usd)
    service = span.resource.get("service.name")
    return StoredSpan(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent_span_id,
        started_at=span.start,
        duration_us=max((span.end - span.start) // timedelta(microseconds=1), 0),
        name=_clean(span.name) or "(unnamed)",
        kind=kind,
        service=_clean(service) if isinstance(service, str | int) else "",
        status=outcome,
        error=error,
        resource={
            key: _clean(value, MAX_FACT)
            for key in RESOURCE_KEYS
            if isinstance(value := span.resource.get(key), str | int | float)
        },
        metadata=_note(span, call),
        **facts,
    )


def find_kind(span: Span, call: Call | None = None) -> SpanKind:
    """The kind of a span, by the words of the vocabularies."""
    if call is not None:
        return "llm"
    attributes = span.attributes
    for key in KIND_KEYS:
        if isinstance(word := attributes.get(key), str) and (kind := KINDS.get(word.lower())):
            return kind
    if any(key in attributes for key in DATABASE_KEYS):
        return "db"
    if "gen_ai.tool.name" in attributes:
        return "tool"
    return "http" if any(key in attributes for key in HTTP_KEYS) else "internal"


def find_outcome(span: Span, call: Call | None = None) -> tuple[SpanOutcome, str]:
    """The outcome of a span, and its error in a word or a code; never what an exception quotes."""
    if call is not None:
        return call.status, _clean(call.error_code, MAX_ID)
    if span.status != "error":
        return "ok", ""
    outcome, code = read_status(Told(span.attributes, span.resource), is_error=True, span=span)
    return outcome, "" if code == NO_CODE else _clean(code, MAX_ID)


def _describe_step(span: Span) -> dict[str, Any]:
    names = Told(span.attributes, span.resource).names()
    return {name: _clean(names.get(name, "")) for name in ("session", "person", "agent")}


def _describe_call(call: Call, cost_usd: Decimal | None) -> dict[str, Any]:
    tags = list(call.tags.items())[:MAX_TAGS]
    first_token = call.first_token_ms
    return {
        "is_call": True,
        "request_id": _clean(call.request_ids[0], MAX_ID) if call.request_ids else "",
        "provider": _clean(call.provider, 100),
        "model": _clean(call.model),
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "cached_input_tokens": call.cached_input_tokens,
        "cache_write_tokens": call.cache_write_tokens,
        "reasoning_tokens": call.reasoning_tokens,
        "cost_usd": cost_usd,
        "first_token_us": first_token * 1000 if first_token is not None and first_token >= 0 else None,
        "session": _clean(call.session),
        "person": _clean(call.person),
        "agent": _clean(call.agent),
        "prompt_name": _clean(call.prompt_name),
        "prompt_version": _clean(call.prompt_version, 100),
        "tags": {_clean(name, 50): _clean(value, 100) for name, value in tags},
    }


def _note(span: Span, call: Call | None) -> dict[str, Any]:
    noted: dict[str, Any] = {"scope": _clean(span.scope, MAX_FACT)} if span.scope else {}
    for key, name in NOTED.items():
        if isinstance(value := span.attributes.get(key), str | int | float):
            noted.setdefault(name, _clean(value, MAX_FACT))
    for name in NOTED_OF_CALL if call is not None else ():
        if value := getattr(call, name):
            noted[name] = _clean(value, MAX_FACT)
    return noted


def _clean(value: object, most: int = MAX_TEXT) -> str:
    """Text that Postgres can store, cut to a length."""
    return str(value)[:most].replace("\x00", "").encode("utf-8", "replace").decode()
