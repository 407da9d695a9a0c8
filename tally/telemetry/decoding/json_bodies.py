"""Requests in JSON, also as hand-made senders write it: snake_case keys, names of enums, ids in any case."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any

from pydantic_core import from_json

from tally.core.response_ids import find_response_id
from tally.core.text import replace_unstorable
from tally.telemetry.content import (
    KEYS,
    MAX_KEY,
    RESPONSE,
    RESPONSE_ID,
    find_key,
    is_content_event,
)
from tally.telemetry.decoding.notes import MAX_ATTRIBUTES, MAX_READ, Notes, Place
from tally.telemetry.decoding.points import DELTAS, add_points, make_point
from tally.telemetry.decoding.values import (
    MAX_DEPTH,
    MAX_EVENTS,
    MAX_ITEMS,
    MAX_MESSAGE,
    MAX_NAME,
    MAX_TEXT,
    SPAN_ID,
    TRACE_ID,
    Refused,
    clean,
    keep_scalars,
    quote,
    read_id,
    read_iso_time,
    read_number,
    read_period,
    read_time,
    refuse_ids,
    refuse_text,
    refuse_time,
)
from tally.telemetry.signals import (
    Attributes,
    DataPoint,
    Decoded,
    LogRecord,
    Span,
    SpanEvent,
    SpanStatus,
    Undecodable,
    Value,
)
from tally.telemetry.vocabularies.keys import COUNTED_METRICS

Object = dict[str, Any]
STATUSES: dict[object, SpanStatus] = {
    1: "ok",
    2: "error",
    "STATUS_CODE_OK": "ok",
    "STATUS_CODE_ERROR": "error",
}
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
MAX_DIGITS = 40  # of a number that is written as text
NOT_A_LIST = 'its attributes must be a list of {"key": …, "value": {…}}'


def decode_traces(body: bytes) -> Decoded:
    """The spans of a request."""
    decoded = Decoded()
    notes = Notes(decoded.remarks)
    request = _parse(body, notes)
    _refuse_logs(request, decoded)
    for place, span in _walk(request, ("resourceSpans", "scopeSpans", "spans"), decoded):
        try:
            decoded.spans.append(_read_span(span, place))
        except Refused as refusal:
            decoded.rejected.append(str(refusal))
    notes.remark_on_cycles(decoded.spans)
    return decoded


def decode_logs(body: bytes) -> Decoded:
    """The log records of a request."""
    decoded = Decoded()
    request = _parse(body, Notes(decoded.remarks))
    for place, record in _walk(request, ("resourceLogs", "scopeLogs", "logRecords"), decoded):
        try:
            decoded.logs.append(_read_log(record, place))
        except Refused as refusal:
            decoded.rejected.append(str(refusal))
    return decoded


def decode_metrics(body: bytes) -> Decoded:
    """The data points of the metrics that count."""
    decoded = Decoded()
    request = _parse(body, Notes(decoded.remarks))
    for place, metric in _walk(request, ("resourceMetrics", "scopeMetrics", "metrics"), decoded):
        total = metric.get("sum")
        if metric.get("name") not in COUNTED_METRICS or not isinstance(total, dict):
            continue
        if _get(total, "aggregationTemporality") in DELTAS:
            points = _children(total, "dataPoints", decoded)
            add_points(decoded, points, partial(_read_point, str(metric["name"]), place))
    return decoded


def _read_point(name: str, place: Place, point: Object) -> DataPoint:
    times = _read_nano(_get(point, "startTimeUnixNano")), _read_nano(_get(point, "timeUnixNano"))
    number, count = _get(point, "asDouble"), _read_int(_get(point, "asInt"))
    value = float(number) if isinstance(number, int | float) else float(count or 0)
    attributes = _read_attributes(point.get("attributes"), place.notes)
    return make_point(name, times, value, place, attributes)


def _parse(body: bytes, notes: Notes) -> Object:
    request = parse_json(body, notes)
    if not isinstance(request, dict):
        raise Undecodable(
            "The body is no OTLP request in JSON: it must be an object with resourceSpans or such."
        )
    return request


def parse_json(body: bytes, notes: Notes) -> Any:
    """The JSON of a body; bytes that are not UTF-8 are replaced, with a remark."""
    try:
        return from_json(body, cache_strings="keys")
    except ValueError:
        text = body.decode(errors="replace")
    try:
        found = json.loads(text)  # takes halves of surrogate pairs, too
    except (ValueError, RecursionError):
        raise Undecodable(
            "The body is not JSON. Check that Content-Type names its format, and Content-Encoding how it is "
            "compressed."
        ) from None
    if "\N{REPLACEMENT CHARACTER}" in text:
        notes.add("Bytes that are not UTF-8 were replaced. Check how the sender encodes texts.")
    return found


def parse_storable_json(body: bytes) -> Any:
    """The JSON of a body whose texts are stored as they are."""
    try:
        return from_json(replace_unstorable(body) if b"\\u0000" in body else body, cache_strings="keys")
    except ValueError:  # among them halves of surrogate pairs
        return parse_json(replace_unstorable(body), Notes([]))


def _get(values: Object, key: str) -> Any:
    """The value of a key in camelCase, or in snake_case."""
    found = values.get(key)
    if found is None and (snake := _SNAKE.get(key)):
        return values.get(snake)
    return found


_SNAKE = {
    key: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)
    for key in (
        *("resourceSpans", "scopeSpans", "resourceLogs", "scopeLogs", "logRecords"),
        *("traceId", "spanId", "parentSpanId", "eventName"),
        *("timeUnixNano", "startTimeUnixNano", "endTimeUnixNano", "observedTimeUnixNano"),
        *("resourceMetrics", "scopeMetrics", "dataPoints", "aggregationTemporality", "asDouble", "asInt"),
        *("stringValue", "intValue", "doubleValue", "boolValue", "arrayValue", "kvlistValue"),
    )
}


def _children(values: Object, key: str, decoded: Decoded) -> Iterator[Object]:
    """The objects in a list; anything else in its place is refused."""
    found = _get(values, key)
    if found is None:
        return
    for child in found if isinstance(found, list) else [found]:
        if isinstance(child, dict) and isinstance(found, list):
            yield child
        else:
            decoded.rejected.append(
                f"In JSON, {key} must be a list of objects. Check how the sender writes it."
            )


def _walk(request: Object, levels: tuple[str, str, str], decoded: Decoded) -> Iterator[tuple[Place, Object]]:
    """The items of a request with their surroundings."""
    by_program, by_scope, items = levels
    notes = Notes(decoded.remarks)
    for of_program in _children(request, by_program, decoded):
        resource = _read_resource(of_program.get("resource"), notes)
        for of_scope in _children(of_program, by_scope, decoded):
            scope = of_scope.get("scope")
            name = scope.get("name") if isinstance(scope, dict) else ""
            place = Place(clean(name, MAX_NAME) if isinstance(name, str) else "", resource, notes)
            for item in _children(of_scope, items, decoded):
                yield place, item


def _read_resource(resource: object, notes: Notes) -> Attributes:
    try:
        return _read_attributes(resource.get("attributes"), notes) if isinstance(resource, dict) else {}
    except Refused:
        notes.add(f"A resource could not be read: {NOT_A_LIST}.")
        return {}


def _refuse_logs(request: Object, decoded: Decoded) -> None:
    """Refuse log records among the traces; in protobuf, they look like spans without ids."""
    for _, record in _walk(request, ("resourceLogs", "scopeLogs", "logRecords"), Decoded()):
        decoded.rejected.append(str(refuse_ids(str(_get(record, "eventName") or ""))))


def _read_span(span: Object, place: Place) -> Span:
    name = _read_text(span.get("name"), MAX_NAME)
    trace_id, span_id = read_id(_get(span, "traceId"), TRACE_ID), read_id(_get(span, "spanId"), SPAN_ID)
    if not trace_id or not span_id:
        raise refuse_ids(name)
    start, end = read_period(
        name, _read_nano(_get(span, "startTimeUnixNano")), _read_nano(_get(span, "endTimeUnixNano"))
    )
    status = span.get("status")
    if not isinstance(status, dict):
        status = {}
    attributes, events = span.get("attributes"), span.get("events")
    if attributes is not None and not isinstance(attributes, list):
        raise Refused(f"The span {quote(name)} was refused: {NOT_A_LIST}.")
    code = status.get("code")
    return Span(
        trace_id,
        span_id,
        read_id(_get(span, "parentSpanId"), SPAN_ID),
        name,
        _read_kind(span.get("kind")),
        start,
        end,
        STATUSES.get(code, "unset") if isinstance(code, int | str) else "unset",
        _read_text(status.get("message"), MAX_MESSAGE),
        place.scope,
        _read_attributes(attributes, place.notes),
        place.resource,
        _read_events(events, start, place.notes) if isinstance(events, list) else (),
    )


def _read_kind(kind: object) -> int:
    if isinstance(kind, str):
        name = kind.lower().removeprefix("span_kind_")
        return KINDS.index(name) if name in KINDS else 0
    return kind if isinstance(kind, int) and 0 <= kind < len(KINDS) else 0


def _read_events(events: list[Any], start: datetime, notes: Notes) -> tuple[SpanEvent, ...]:
    found = []
    for event in events[:MAX_EVENTS]:
        if isinstance(event, dict):
            name = _read_text(event.get("name"), MAX_NAME)
            time = _read_moment(_get(event, "timeUnixNano")) or start
            attributes = event.get("attributes")
            is_kept = isinstance(attributes, list) and not is_content_event(name)
            found.append(SpanEvent(name, time, _read_attributes(attributes, notes) if is_kept else {}))
    return tuple(found)


def _read_log(record: Object, place: Place) -> LogRecord:
    attributes = record.get("attributes")
    if attributes is not None and not isinstance(attributes, list):
        raise Refused(f"A log record was refused: {NOT_A_LIST}.")
    found = _read_attributes(attributes, place.notes)
    name = _read_text(found.get("event.name") or _get(record, "eventName"), MAX_NAME)
    nanoseconds = _read_nano(_get(record, "timeUnixNano")) or _read_nano(_get(record, "observedTimeUnixNano"))
    timestamp = read_time(nanoseconds)
    if timestamp is None:
        raise refuse_time("The log record", name, nanoseconds)
    trace_id = read_id(_get(record, "traceId"), TRACE_ID)
    span_id = read_id(_get(record, "spanId"), SPAN_ID) if trace_id else ""
    return LogRecord(timestamp, name, place.scope, found, place.resource, trace_id, span_id)


def _read_text(value: object, limit: int) -> str:
    return clean(value, limit) if isinstance(value, str) else ""


def _read_nano(value: object) -> int:
    """Nanoseconds, as a number or as text, or of a time that is written out; 0 for none. Raises Refused."""
    number = _read_int(value)
    if number is None and isinstance(value, str) and value.strip():
        number = read_iso_time(value)
        if number is None:
            raise refuse_text(value)
    return number if number is not None and number >= 0 else 0


def _read_moment(value: object) -> datetime | None:
    """The instant of an event, None for one that cannot be read."""
    try:
        return read_time(_read_nano(value))
    except Refused:
        return None


def _read_int(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and len(value) <= MAX_DIGITS:
        try:
            return int(value)
        except ValueError:
            return None
    return None


def _read_float(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None


def _read_attributes(pairs: Any, notes: Notes) -> Attributes:
    """Attributes without content."""
    found: Attributes = {}
    for pair in notes.look_at(pairs or (), _key_of):
        if not isinstance(pair, dict):
            raise Refused(f"An item was refused: {NOT_A_LIST}.")
        written, value = pair.get("key"), pair.get("value")
        if not isinstance(written, str):
            continue
        key = KEYS.get(written)
        if key is None:
            key = find_key(written) if len(written) <= MAX_KEY else notes.skip_key(written)
        text = value.get("stringValue") if isinstance(value, dict) else None
        if key:
            if isinstance(text, str):
                found[key] = text if len(text) <= MAX_TEXT and text.isprintable() else notes.cut(key, text)
            elif isinstance(value, dict) and value:
                _add_other(found, key, value, notes)
        elif written == RESPONSE and isinstance(text, str) and (told := find_response_id(text)):
            found.setdefault(RESPONSE_ID, told)
    return found if len(found) <= MAX_ATTRIBUTES else notes.keep_most(found)


def _key_of(pair: Any) -> object:
    """The key of a pair; of what is none, something that is no key."""
    key = pair.get("key") if isinstance(pair, dict) else None
    return key if isinstance(key, str) else None


def _add_other(found: Attributes, key: str, value: Object, notes: Notes) -> None:
    """Add a value that is no text; those of an object get keys of their own."""
    if _get(value, "kvlistValue") is None:
        found[key] = _read_value(value, key, notes)
        return
    for inner, inner_value in islice(_flatten(key, value, 1), MAX_READ):
        name = find_key(inner) if len(inner) <= MAX_KEY else notes.skip_key(inner)
        if name:
            found[name] = _read_value(inner_value, name, notes)


def _flatten(key: str, value: Object, depth: int) -> Iterator[tuple[str, Object]]:
    for pair in _list_in(_get(value, "kvlistValue")):
        name, inner = f"{key}.{pair.get('key')}", pair.get("value")
        if not isinstance(inner, dict) or not inner:
            continue
        if _get(inner, "kvlistValue") is None:
            yield name, inner
        elif depth < MAX_DEPTH:
            yield from _flatten(name, inner, depth + 1)


def _list_in(values: object) -> list[Object]:
    """The objects of an array or an object of OTLP."""
    found = values.get("values") if isinstance(values, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _read_value(value: Object, key: str, notes: Notes) -> Value:
    if isinstance(text := _get(value, "stringValue"), str):
        return notes.cut(key, text)
    for kind, read in (("intValue", _read_int), ("doubleValue", _read_float)):
        if (told := _get(value, kind)) is not None:
            number = read(told)
            return read_number(number) if number is not None else notes.cut(key, str(told))
    flag = _get(value, "boolValue")
    if isinstance(flag, bool):
        return flag
    if (array := _get(value, "arrayValue")) is not None:
        items = _list_in(array)[:MAX_ITEMS]
        return keep_scalars([_read_value(item, key, notes) for item in items if not _is_nested(item)])
    return None


def _is_nested(value: Object) -> bool:
    return _get(value, "arrayValue") is not None or _get(value, "kvlistValue") is not None
