"""Calls out of items: the part that all vocabularies share."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from tally.catalog.hosts import find_host, find_host_at
from tally.catalog.payees import OTHER, find_payee
from tally.telemetry.calls import Call, CallStatus
from tally.telemetry.signals import Attributes, LogRecord, Span, Value
from tally.telemetry.vocabularies import keys
from tally.telemetry.vocabularies.tokens import Tokens
from tally.telemetry.vocabularies.told import MAX_NAME, Told, read_name, read_object

MIN_ID, MAX_ID = 8, 300  # shorter ones are numbers that the program made
MAX_TAGS, MAX_TAG = 20, 100
RATE_LIMITED, TIMEOUTS = "429", ("408", "504", "524")
# The order of ids of one call: of a message, of any response, of a request.
_MESSAGE, _REQUEST = "msg_", "req_"
_RATE = re.compile(r"rate.?limit|too.?many.?requests|resource.?exhausted|quota", re.IGNORECASE)
_TIMEOUT = re.compile(r"time.?d?.?out|deadline", re.IGNORECASE)


def read_call(span: Span, told: Told, tokens: Tokens, **changes: Any) -> Call:
    """The call that a span describes; `changes` are fields that its vocabulary knows better."""
    duration = span.end - span.start
    status, error_code = read_status(told, span.status == "error", span)
    found = describe(told, tokens, span.end)
    found |= {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "duration_ms": int(duration.total_seconds() * 1000) if duration else read_ms(told, "duration"),
        "status": status,
        "error_code": error_code,
    }
    return Call(**(found | changes))


def read_event(record: LogRecord, told: Told, tokens: Tokens, **changes: Any) -> Call:
    """The call that a log record describes; it belongs to the span around it, but is none."""
    status, error_code = read_status(told, is_error=False)
    found = describe(told, tokens, record.timestamp)
    found |= {
        "trace_id": record.trace_id,
        "parent_span_id": record.span_id,
        "duration_ms": read_ms(told, "duration"),
        "status": status,
        "error_code": error_code,
    }
    return Call(**(found | changes))


def describe(told: Told, tokens: Tokens, ended: datetime) -> dict[str, Any]:
    """The fields of a call that every vocabulary tells by its keys."""
    ids = read_ids(told.text("response id"), told.text("request id"))
    model = told.text("model")
    return {
        "timestamp": ended,
        "provider": read_provider(told, model, ids),
        "model": model,
        "request_ids": ids,
        "first_token_ms": read_first_token(told),
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cached_input_tokens": tokens.read,
        "cache_write_tokens": tokens.write,
        "cache_write_1h_tokens": tokens.write_1h,
        "reasoning_tokens": tokens.reasoning,
        "has_usage": tokens.is_told,
        "has_cache_detail": tokens.has_cache,
        "has_all_classes": tokens.has_classes,
        "reported_usd": told.cost(),
        "detail": len(told.attributes),
        "agent": told.text("agent"),
        "session": told.shared("session"),
        "service": told.shared("service"),
        "person": told.shared("person"),
        "project": told.shared("project"),
        "end_user": told.shared("end user"),
        "operation": told.text("operation"),
        "tool": told.text("tool"),
        "branch": told.shared("branch"),
        "repository": told.shared("repository"),
        "environment": told.shared("environment"),
        "container": told.shared("container"),
        "prompt_name": told.text("prompt name"),
        "prompt_version": told.text("prompt version"),
        "region": told.shared("region"),
        "service_tier": told.text("tier"),
        "speed": told.text("speed"),
        "tags": read_tags(told),
    }


def read_ids(*found: str) -> tuple[str, ...]:
    """Ids of one call, the canonical one first, without those that an instrument invented."""
    ids = {each for each in found if MIN_ID <= len(each) <= MAX_ID and not each.startswith(keys.INVENTED_IDS)}
    return sort_ids(ids) if len(ids) > 1 else tuple(ids)


def sort_ids(ids: set[str]) -> tuple[str, ...]:
    """Ids of one call: of a message first, of a request last."""
    return tuple(
        sorted(ids, key=lambda each: (not each.startswith(_MESSAGE), each.startswith(_REQUEST), each))
    )


def read_provider(told: Told, model: str, ids: tuple[str, ...]) -> str:
    """Slug of the provider that is paid: by its server, its name, the ids, or the model."""
    named = told.text("provider")
    hint = find_host_at(told.text("address")) or (
        named if not named or find_host(named) else named.partition(".")[0]  # openai.chat
    )
    return find_payee(model, hint, ids) or OTHER


def read_ms(told: Told, field: str) -> int | None:
    """Milliseconds, None for none."""
    number = told.number(field)
    return round(number) if number else None


def read_first_token(told: Told) -> int | None:
    """Milliseconds to the first token."""
    seconds = told.number("first token s")
    return round(seconds * 1000) if seconds else read_ms(told, "first token ms")


def read_status(told: Told, is_error: bool, span: Span | None = None) -> tuple[CallStatus, str]:
    """The status of a call, and the code of its error."""
    http = told.text("HTTP status")
    is_error = is_error or (http.isdigit() and len(http) == 3 and http >= "400")
    if not is_error:
        return "ok", ""
    kind = told.text("error") or (read_exception(span) if span else "")
    return name_error(kind, http, span.status_message if span else "")


def name_error(kind: str, http: str, message: str) -> tuple[CallStatus, str]:
    """The status of a failed call, and the code of its error."""
    said, code = f"{kind} {message}", kind or http or "error"
    if http == RATE_LIMITED or _RATE.search(said):
        return "rate_limited", code
    if http in TIMEOUTS or _TIMEOUT.search(said):
        return "timeout", code
    return "error", code


def read_exception(span: Span) -> str:
    """The type of the exception in a span."""
    return next((read_name(event.attributes.get("exception.type")) for event in span.events[::-1]), "")


def read_tags(told: Told) -> Mapping[str, str]:
    """Tags of the item or its program that people chose, as names with values."""
    found: dict[str, str] = {}
    for name, value in _find_tags(told.attributes, told.resource):
        if len(found) == MAX_TAGS:
            break
        if name:
            found.setdefault(name[:MAX_TAG], value[:MAX_TAG])
    return found


def _find_tags(attributes: Attributes, resource: Attributes) -> Iterator[tuple[str, str]]:
    for key, value in attributes.items():
        if key in keys.TAG_LISTS:
            yield from ((name, "") for name in _read_list(value))
        elif key.startswith(keys.TAG_PREFIXES) and key not in keys.KNOWN:
            prefix = next(each for each in keys.TAG_PREFIXES if key.startswith(each))
            yield key.removeprefix(prefix), read_name(value)
    for key, value in resource.items():
        if not key.startswith(keys.AUTOMATIC_RESOURCE):
            yield key, read_name(value)


def _read_list(value: Value) -> list[str]:
    """The items of a list, also of one that is written as text."""
    if isinstance(value, str):
        listed: Any = value.split(",")
        if value.startswith("["):
            listed = read_object(f'{{"list":{value}}}').get("list")
        value = listed if isinstance(listed, list) else []
    return [read_name(item)[:MAX_NAME] for item in value] if isinstance(value, list) else []
