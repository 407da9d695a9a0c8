"""Requests in protobuf."""

from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tally.core.response_ids import find_response_id
from tally.telemetry.content import (
    KEYS,
    MAX_KEY,
    RESPONSE,
    RESPONSE_ID,
    find_key,
    is_content_event,
)
from tally.telemetry.decoding.notes import MAX_ATTRIBUTES, MAX_READ, Notes, Place
from tally.telemetry.decoding.points import DELTA, add_points, make_point
from tally.telemetry.decoding.salvage import without_unreadable
from tally.telemetry.decoding.values import (
    MAX_DEPTH,
    MAX_EVENTS,
    MAX_ITEMS,
    MAX_MESSAGE,
    MAX_NAME,
    MAX_TEXT,
    Refused,
    clean,
    keep_scalars,
    read_number,
    read_period,
    read_time,
    refuse_ids,
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

Request = TypeVar("Request", bound=Message)
STATUSES: tuple[SpanStatus, ...] = ("unset", "ok", "error")
NO_TRACE, NO_SPAN = bytes(16), bytes(8)
MAX_KIND = 5
NESTED = ("array_value", "kvlist_value")


def decode_traces(body: bytes) -> Decoded:
    """The spans of a request."""
    decoded = Decoded()
    notes = Notes(decoded.remarks)
    for of_program in _parse(ExportTraceServiceRequest(), body, decoded).resource_spans:
        resource = read_attributes(of_program.resource.attributes, notes)
        for of_scope in of_program.scope_spans:
            place = Place(clean(of_scope.scope.name, MAX_NAME), resource, notes)
            for span in of_scope.spans:
                try:
                    decoded.spans.append(_read_span(span, place))
                except Refused as refusal:
                    decoded.rejected.append(str(refusal))
    notes.remark_on_cycles(decoded.spans)
    return decoded


def decode_logs(body: bytes) -> Decoded:
    """The log records of a request."""
    decoded = Decoded()
    notes = Notes(decoded.remarks)
    for of_program in _parse(ExportLogsServiceRequest(), body, decoded).resource_logs:
        resource = read_attributes(of_program.resource.attributes, notes)
        for of_scope in of_program.scope_logs:
            place = Place(clean(of_scope.scope.name, MAX_NAME), resource, notes)
            for record in of_scope.log_records:
                try:
                    decoded.logs.append(_read_log(record, place))
                except Refused as refusal:
                    decoded.rejected.append(str(refusal))
    return decoded


def decode_metrics(body: bytes) -> Decoded:
    """The data points of the metrics that count."""
    decoded = Decoded()
    notes = Notes(decoded.remarks)
    for of_program in _parse(ExportMetricsServiceRequest(), body, decoded).resource_metrics:
        for of_scope in of_program.scope_metrics:
            for metric in of_scope.metrics:
                if metric.name in COUNTED_METRICS and metric.sum.aggregation_temporality == DELTA:
                    resource = read_attributes(of_program.resource.attributes, notes)
                    place = Place(clean(of_scope.scope.name, MAX_NAME), resource, notes)
                    add_points(decoded, metric.sum.data_points, partial(_read_point, metric.name, place))
    return decoded


def _read_point(name: str, place: Place, point: Any) -> DataPoint:
    value = float(point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)
    attributes = read_attributes(point.attributes, place.notes)
    return make_point(name, (point.start_time_unix_nano, point.time_unix_nano), value, place, attributes)


def _parse(request: Request, body: bytes, decoded: Decoded) -> Request:
    """The request; one with items that cannot be read, such as texts that are not UTF-8, without those."""
    try:
        request.ParseFromString(body)
    except DecodeError:
        try:
            request.ParseFromString(without_unreadable(request, body, decoded))
        except (DecodeError, ValueError):
            raise Undecodable(
                "The body is no OTLP request in protobuf. Check the protocol that the sender is set to, and "
                "that Content-Encoding names how the body is compressed."
            ) from None
    return request


def _read_span(span: Any, place: Place) -> Span:
    trace_id, span_id, name = span.trace_id, span.span_id, clean(span.name, MAX_NAME)
    if len(trace_id) != 16 or len(span_id) != 8 or trace_id == NO_TRACE or span_id == NO_SPAN:
        raise refuse_ids(name)
    start, end = read_period(name, span.start_time_unix_nano, span.end_time_unix_nano)
    parent, status = span.parent_span_id, span.status
    message = status.message
    return Span(
        trace_id.hex(),
        span_id.hex(),
        parent.hex() if len(parent) == 8 and parent != NO_SPAN else "",
        name,
        span.kind if 0 <= span.kind <= MAX_KIND else 0,
        start,
        end,
        STATUSES[status.code] if status.code in (0, 1, 2) else "unset",
        clean(message, MAX_MESSAGE) if message else "",
        place.scope,
        read_attributes(span.attributes, place.notes),
        place.resource,
        _read_events(span.events, start, place.notes) if span.events else (),
    )


def _read_events(events: Any, start: Any, notes: Notes) -> tuple[SpanEvent, ...]:
    return tuple(
        SpanEvent(
            clean(event.name, MAX_NAME),
            read_time(event.time_unix_nano) or start,
            {} if is_content_event(event.name) else read_attributes(event.attributes, notes),
        )
        for event in events[:MAX_EVENTS]
    )


def _read_log(record: Any, place: Place) -> LogRecord:
    attributes = read_attributes(record.attributes, place.notes)
    name = str(attributes.get("event.name") or record.event_name)  # of the latter, Rust makes a place
    nanoseconds = record.time_unix_nano or record.observed_time_unix_nano
    timestamp = read_time(nanoseconds)
    if timestamp is None:
        raise refuse_time("The log record", name, nanoseconds)
    trace_id, span_id = record.trace_id, record.span_id
    is_traced = len(trace_id) == 16 and trace_id != NO_TRACE
    return LogRecord(
        timestamp,
        clean(name, MAX_NAME),
        place.scope,
        attributes,
        place.resource,
        trace_id.hex() if is_traced else "",
        span_id.hex() if is_traced and len(span_id) == 8 and span_id != NO_SPAN else "",
    )


def read_attributes(pairs: Sequence[Any], notes: Notes) -> Attributes:
    """Attributes without content."""
    found: Attributes = {}
    for pair in notes.look_at(pairs, lambda pair: pair.key):
        written = pair.key
        key = KEYS.get(written)
        if key is None:
            key = find_key(written) if len(written) <= MAX_KEY else notes.skip_key(written)
        if key:
            value = pair.value
            if text := value.string_value:  # most are texts
                found[key] = text if len(text) <= MAX_TEXT and text.isprintable() else notes.cut(key, text)
            elif (number := value.int_value) != 0:
                found[key] = number
            else:
                _add_other(found, key, value, notes)
        elif written == RESPONSE and (told := find_response_id(pair.value.string_value)):
            found.setdefault(RESPONSE_ID, told)
    return found if len(found) <= MAX_ATTRIBUTES else notes.keep_most(found)


def _add_other(found: Attributes, key: str, value: Any, notes: Notes) -> None:
    """Add a value of any type; those of an object get keys of their own."""
    kind = value.WhichOneof("value")
    if kind is None:
        return
    if kind == "array_value":
        found[key] = _read_items(value.array_value.values[:MAX_ITEMS], key, notes)
    elif kind == "kvlist_value":
        for inner, inner_value in islice(_flatten(key, value, 1), MAX_READ):
            name = find_key(inner) if len(inner) <= MAX_KEY else notes.skip_key(inner)
            if name:
                found[name] = _read_value(inner_value, inner_value.WhichOneof("value"), name, notes)
    else:
        found[key] = _read_value(value, kind, key, notes)


def _flatten(key: str, value: Any, depth: int) -> Iterable[tuple[str, Any]]:
    for pair in value.kvlist_value.values:
        name = f"{key}.{pair.key}"
        if pair.value.WhichOneof("value") != "kvlist_value":
            yield name, pair.value
        elif depth < MAX_DEPTH:
            yield from _flatten(name, pair.value, depth + 1)


def _read_value(value: Any, kind: str | None, key: str, notes: Notes) -> Value:
    if kind == "string_value":
        return notes.cut(key, value.string_value)
    if kind in ("int_value", "double_value"):
        return read_number(getattr(value, kind))
    if kind == "bool_value":
        return bool(value.bool_value)
    if kind == "array_value":
        return _read_items(value.array_value.values[:MAX_ITEMS], key, notes)
    return None


def _read_items(items: Sequence[Any], key: str, notes: Notes) -> Value:
    """The scalars in a list."""
    texts = [item.string_value for item in items]
    if all(texts):  # as in most lists
        return [
            text if len(text) <= MAX_TEXT and text.isprintable() else notes.cut(key, text) for text in texts
        ]
    kinds = [(item, item.WhichOneof("value")) for item in items]
    return keep_scalars([_read_value(item, kind, key, notes) for item, kind in kinds if kind not in NESTED])
