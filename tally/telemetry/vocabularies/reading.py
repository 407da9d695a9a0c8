"""Calls out of items: the part that all vocabularies share."""

import re
from datetime import datetime, timedelta
from typing import Any

from tally.catalog.hosts import find_host, find_host_at
from tally.catalog.payees import OTHER, find_payee
from tally.telemetry.calls import Call, CallStatus
from tally.telemetry.signals import LogRecord, Span
from tally.telemetry.vocabularies import keys
from tally.telemetry.vocabularies.tokens import Tokens
from tally.telemetry.vocabularies.told import Told, read_name

MILLISECOND = timedelta(milliseconds=1)
MIN_ID, MAX_ID = 8, 300  # shorter ones are numbers that the program made
RATE_LIMITED, TIMEOUTS = "429", ("408", "504", "524")
EVENT_TIME = "event.timestamp"  # as an agent gives it
NO_CODE = "error"  # of an error that nothing names
# The order of ids of one call: of a message, of any response, of a request.
_MESSAGE, _REQUEST = "msg_", "req_"
_RATE = re.compile(r"\b429\b|rate.?limit|too.?many.?requests|resource.?exhausted|quota", re.IGNORECASE)
_TIMEOUT = re.compile(r"time.?d?.?out|deadline", re.IGNORECASE)


def read_call(span: Span, told: Told, tokens: Tokens, **changes: Any) -> Call:
    """The call that a span describes; `changes` are fields that its vocabulary knows better."""
    found = describe(told, tokens, span.end)
    found["trace_id"], found["span_id"] = span.trace_id, span.span_id
    found["parent_span_id"] = span.parent_span_id
    found["status"], found["error_code"] = read_status(told, span.status == "error", span)
    if span.end > span.start:
        found["duration_ms"] = (span.end - span.start) // MILLISECOND
    else:
        found["duration_ms"] = read_ms(told, "duration")
    found.update(changes)
    found["of_program"] = told.of_program(found)
    return Call(**found)


def read_event(record: LogRecord, told: Told, tokens: Tokens, **changes: Any) -> Call:
    """The call that a log record describes; it belongs to the span around it, but is none."""
    found = describe(told, tokens, record.timestamp)
    found["trace_id"], found["parent_span_id"] = record.trace_id, record.span_id
    found["status"], found["error_code"] = read_status(told, is_error=False)
    found["duration_ms"] = read_ms(told, "duration")
    found.update(changes)
    found["of_program"] = told.of_program(found)
    return Call(**found)


def describe(told: Told, tokens: Tokens, ended: datetime) -> dict[str, Any]:
    """The fields of a call that every vocabulary tells by its keys."""
    found = told.names()
    ids = read_ids(told.text("response id"), told.text("request id"))
    found["timestamp"], found["request_ids"] = ended, ids
    found["provider"] = read_provider(told, found.setdefault("model", ""), ids)
    found["first_token_ms"], found["reported_usd"] = read_first_token(told), told.cost()
    found["detail"], found["tags"] = len(told.attributes), told.tags()
    found.update(describe_tokens(tokens))
    return found


def describe_tokens(tokens: Tokens) -> dict[str, Any]:
    """The fields of a call that count tokens."""
    return {
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cached_input_tokens": tokens.read,
        "cache_write_tokens": tokens.write,
        "cache_write_1h_tokens": tokens.write_1h,
        "reasoning_tokens": tokens.reasoning,
        "has_usage": tokens.is_told,
        "has_cache_detail": tokens.has_cache,
        "has_all_classes": tokens.has_classes,
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


def count_ms(started: datetime | None, ended: datetime | None) -> int | None:
    """Milliseconds between two instants; None where one is unknown or they are not in this order."""
    if started is None or ended is None or ended <= started:
        return None
    return (ended - started) // MILLISECOND


def read_first_token(told: Told) -> int | None:
    """Milliseconds to the first token."""
    seconds = told.number("first token s") if "first token s" in told.fields else None
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
    said, code = f"{kind} {message}", kind or http or NO_CODE
    if http == RATE_LIMITED or _RATE.search(said):
        return "rate_limited", code
    if http in TIMEOUTS or kind in TIMEOUTS or _TIMEOUT.search(said):
        return "timeout", code
    return "error", code


def read_exception(span: Span) -> str:
    """The type of the exception in a span."""
    return next((read_name(event.attributes.get("exception.type")) for event in span.events[::-1]), "")
