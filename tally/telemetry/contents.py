"""Prompts, answers and arguments of tools in the spans of a request: redacted, and bounded.

Nothing here runs for workspaces that do not keep them: their content is dropped while requests are decoded.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tally.telemetry.content import is_content_event
from tally.telemetry.decoding.json_bodies import parse_json
from tally.telemetry.decoding.notes import Notes
from tally.telemetry.decoding.values import SPAN_ID, TRACE_ID, read_id
from tally.telemetry.redaction import Redaction

Part = Literal["prompt", "answer", "tool"]
SpanId = tuple[str, str]  # of its trace, and its own
Contents = Mapping[SpanId, Mapping[str, str]]  # by part

MAX_BYTES = 8_192  # of a part of a span
MAX_RAW = 65_536  # characters that are looked at
MAX_WORD = 500  # characters that are dropped with the end
MAX_DEPTH = 12
# Beginnings of the keys of what is kept. Headers, addresses and queries are not.
KEYS: Mapping[Part, tuple[str, ...]] = {
    "tool": (
        *("gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "tool.parameters"),
        *("ai.toolCall.args", "ai.toolCall.result", "ai.response.toolCalls"),
    ),
    "prompt": (
        *("gen_ai.input.messages", "gen_ai.system_instructions", "gen_ai.prompt.", "llm.input_messages"),
        *("llm.prompts", "input.value", "ai.prompt", "langfuse.observation.input", "langfuse.trace.input"),
        "traceloop.entity.input",
    ),
    "answer": (
        *("gen_ai.output.messages", "gen_ai.completion.", "llm.output_messages", "llm.completions"),
        *("output.value", "ai.response.text", "ai.response.object", "ai.response.reasoning"),
        *("langfuse.observation.output", "langfuse.trace.output", "traceloop.entity.output"),
    ),
}
NO_CONTENT = frozenset({"gen_ai.prompt.name", "gen_ai.prompt.version", "gen_ai.prompt.id"})
ANSWERS = (".choice", ".completion")  # ends of names of events
_UNSTORABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Said(NamedTuple):
    """An attribute of a span as it was sent."""

    span: SpanId
    part: Part
    key: str
    value: Any


def find_contents(body: bytes, is_json: bool, rules: Redaction) -> Contents:
    """The texts of each span by part; nothing for a body that cannot be read."""
    found: dict[SpanId, dict[Part, list[Said]]] = defaultdict(lambda: defaultdict(list))
    for each in _read_json(body) if is_json else _read_protobuf(body):
        found[each.span][each.part].append(each)
    return {
        span: {part: _write(said, rules) for part, said in parts.items()} for span, parts in found.items()
    }


def _write(said: list[Said], rules: Redaction) -> str:
    """A part as it is kept."""
    texts = [each.value if isinstance(each.value, str) else _dump(each.value) for each in said]
    if len(texts) > 1:
        texts = [f"{each.key}: {text}" for each, text in zip(said, texts, strict=True)]
    text = "\n".join(texts)
    return cut(rules.redact(_UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", shorten(text))))


def shorten(text: str) -> str:
    """As much of a text as is looked at, without its last word: half a secret would not be recognised."""
    if len(text) <= MAX_RAW:
        return text
    end = text[MAX_RAW - MAX_WORD : MAX_RAW]
    return text[: MAX_RAW - MAX_WORD] + end[: max(map(end.rfind, " \t\r\n")) + 1]


def cut(text: str) -> str:
    """As much of a text as is kept."""
    encoded = text.encode()
    if len(encoded) <= MAX_BYTES:
        return text
    return encoded[: MAX_BYTES - 3].decode(errors="ignore") + "…"


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def find_part(key: str) -> Part | None:
    """The part that an attribute belongs to; None for one that is not kept."""
    if key in NO_CONTENT:
        return None
    return next((part for part, starts in KEYS.items() if key.startswith(starts)), None)


def _part_of_event(name: str) -> Part:
    return "answer" if name.endswith(ANSWERS) else "prompt"


def _read_protobuf(body: bytes) -> Iterator[Said]:
    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(body)
    except DecodeError:
        return
    for of_program in request.resource_spans:
        for of_scope in of_program.scope_spans:
            for span in of_scope.spans:
                ids = span.trace_id.hex(), span.span_id.hex()
                for pair in span.attributes:
                    if part := find_part(pair.key):
                        yield Said(ids, part, pair.key, _plain(pair.value, MAX_DEPTH))
                for event in span.events:
                    pairs = {pair.key: _plain(pair.value, MAX_DEPTH) for pair in event.attributes}
                    yield from _read_event(ids, event.name, pairs)


def _read_event(span: SpanId, name: str, attributes: Mapping[str, Any]) -> Iterator[Said]:
    if is_content_event(name):
        yield Said(span, _part_of_event(name), name, attributes)
        return
    for key, value in attributes.items():
        if part := find_part(key):
            yield Said(span, part, key, value)


def _plain(value: Any, depth: int) -> Any:
    """A value of protobuf as one of Python."""
    kind = value.WhichOneof("value")
    if kind is None or not depth:
        return None
    if kind == "array_value":
        return [_plain(item, depth - 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _plain(pair.value, depth - 1) for pair in value.kvlist_value.values}
    found = getattr(value, kind)
    return found.decode(errors="replace") if isinstance(found, bytes) else found


def _read_json(body: bytes) -> Iterator[Said]:
    request = parse_json(body, Notes([]))
    for span in _spans_of(request):
        ids = (
            read_id(_get(span, "traceId", "trace_id"), TRACE_ID),
            read_id(_get(span, "spanId", "span_id"), SPAN_ID),
        )
        for key, value in _pairs(span.get("attributes"), MAX_DEPTH).items():
            if part := find_part(key):
                yield Said(ids, part, key, value)
        for event in _objects(span.get("events")):
            yield from _read_event(ids, str(event.get("name")), _pairs(event.get("attributes"), MAX_DEPTH))


def _spans_of(request: Any) -> Iterator[dict[str, Any]]:
    for of_program in _objects(_get(request, "resourceSpans", "resource_spans")):
        for of_scope in _objects(_get(of_program, "scopeSpans", "scope_spans")):
            yield from _objects(of_scope.get("spans"))


def _get(values: Any, *names: str) -> Any:
    if not isinstance(values, dict):
        return None
    return next((values[name] for name in names if name in values), None)


def _objects(values: Any) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _pairs(attributes: Any, depth: int) -> dict[str, Any]:
    return {
        pair["key"]: _plain_json(pair.get("value"), depth)
        for pair in _objects(attributes)
        if isinstance(pair.get("key"), str)
    }


def _plain_json(value: Any, depth: int) -> Any:
    """A value of OTLP's JSON as one of Python."""
    if not isinstance(value, dict) or not depth:
        return None
    if isinstance(array := _get(value, "arrayValue", "array_value"), dict):
        return [_plain_json(item, depth - 1) for item in _objects(array.get("values"))]
    if isinstance(pairs := _get(value, "kvlistValue", "kvlist_value"), dict):
        return _pairs(pairs.get("values"), depth - 1)
    return next(iter(value.values()), None)
