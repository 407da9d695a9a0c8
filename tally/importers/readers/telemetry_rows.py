"""OpenTelemetry's JSON as rows: one for each span, log record and batch of metrics, under Tally's columns.

A line or file is a batch (`resourceSpans`, `resourceLogs`, `resourceMetrics`) or a single span or log record.
Prompts and answers are left out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from tally.core.response_ids import find_response_id
from tally.telemetry.content import RESPONSE, RESPONSE_ID, find_key
from tally.telemetry.vocabularies.keys import KNOWN

Record = Mapping[str, Any]

BATCHES = {
    "resourceSpans": ("span", "scopeSpans", "spans"),
    "resourceLogs": ("log", "scopeLogs", "logRecords"),
}
METRICS = "resourceMetrics"
EXCEPTION = "exception.type"
COLUMNS = (
    *("signal", "trace_id", "span_id", "parent_id", "scope", "name", "status", "message", "start", "time"),
    *("attributes", "resource", "events", "has_unknown_counts"),
)
MAX_ATTRIBUTES, MAX_TEXT, MAX_ITEMS = 256, 4_096, 64

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
    attributes, ids, status = _attributes(item), _ids(item), _child(item, "status")
    return {
        "signal": signal,
        "trace_id": ids.get("trace", ""),
        "span_id": ids.get("span", ""),
        "parent_id": ids.get("parent", ""),
        "scope": scope or _text(_child(item, "instrumentationScope").get("name")),
        "name": _text(item.get("name") or item.get("eventName")),
        "status": _text(status.get("code") or status.get("status_code")),
        "message": _text(status.get("message") or status.get("description"))[:MAX_TEXT],
        "start": _read_time(item, "startTime", "start_time"),
        "time": _read_time(item, "endTime", "end_time", "time", "observedTime", "hrTime"),
        "attributes": json.dumps(_without_content(attributes)),
        "resource": json.dumps(_without_content(about)),
        "events": json.dumps(
            [_read_event(event) for event in islice(_objects(item.get("events")), MAX_ITEMS)]
        ),
        "has_unknown_counts": str(any(map(_is_count, attributes.items()))).lower(),
    }


def _read_event(event: Record) -> dict[str, str]:
    """An event within a span: what pages and prices need of it."""
    kind = _text(_attributes(event).get(EXCEPTION))
    found = {"name": _text(event.get("name")), "time": _read_time(event, "time"), "exception": kind}
    return {key: text[:MAX_TEXT] for key, text in found.items()}


def _without_content(attributes: Record) -> dict[str, object]:
    """The attributes that hold no prompts and answers."""
    found: dict[str, object] = {}
    for written, value in attributes.items():
        if key := find_key(written):
            kept = value[:MAX_TEXT] if isinstance(value, str) else value
            if isinstance(value, list):
                kept = [each for each in value[:MAX_ITEMS] if isinstance(each, str | int | float)]
            if (isinstance(kept, str | int | float | list) and len(found) < MAX_ATTRIBUTES) or key in KNOWN:
                found[key] = kept
        elif written == RESPONSE and (told := find_response_id(_text(value))):
            found.setdefault(RESPONSE_ID, told)
    return found


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
    if not isinstance(value, dict):
        return value
    if isinstance(array := value.get("arrayValue"), dict):
        return [_plain(each) for each in _objects(array.get("values"))]
    return next(iter(value.values()), None)


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
