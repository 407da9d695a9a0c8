"""Spans per second of one core, decoded and read as calls, compared with parsing alone.

Seconds are those of the processor, as a core that is shared with other programs has fewer of them.
"""

import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from bench.measurement import Measurement, Options
from tally.telemetry.counting import choose_calls, parents_of
from tally.telemetry.decoding import decode_traces
from tally.telemetry.records import make_record
from tally.telemetry.vocabularies import read_calls
from tests.tally.telemetry.otlp import Object, as_json, as_protobuf, span, traces

SPANS = 500  # of a request
REPEATS = 40
MINIMUM = {"protobuf": 20_000, "JSON": 8_000}
MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "a question " * 30}]}])


def measure(options: Options) -> list[Measurement]:
    """Time requests of spans with 22 attributes, of these two with content."""
    count = options.scaled(SPANS)
    request = traces(*map(_make_span, range(count)))
    bodies = {"protobuf": as_protobuf(request), "JSON": as_json(request)}
    found: list[Measurement] = []
    for encoding, body in bodies.items():
        is_json = encoding == "JSON"
        taken = _time(
            {
                "parsed": _parser(body, is_json),
                "read": partial(_read, body, is_json),
                "recorded": partial(_record, body, is_json),
            },
            options.scaled(REPEATS),
        )
        rates = {name: count / seconds for name, seconds in taken.items()}
        bare = "json.loads" if is_json else "ParseFromString"
        found += [
            _compare(f"read calls in {encoding}, against the bar", rates["read"], MINIMUM[encoding], bar=1.0),
            _compare(f"read calls in {encoding}, against {bare}", rates["read"], rates["parsed"]),
            _compare(f"records of spans in {encoding}, against {bare}", rates["recorded"], rates["parsed"]),
        ]
    return found


def _time(actions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of the processor for each action; they take turns."""
    taken: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(1 + repeats):
        for name, action in actions.items():
            started = time.process_time()
            action()
            taken[name].append(time.process_time() - started)
    return {name: median(seconds[1:]) for name, seconds in taken.items()}


def _parser(body: bytes, is_json: bool) -> Callable[[], object]:
    """The bare parser of the same bytes."""
    return (
        (lambda: json.loads(body)) if is_json else (lambda: ExportTraceServiceRequest().ParseFromString(body))
    )


def _read(body: bytes, is_json: bool) -> object:
    return read_calls(decode_traces(body, is_json))


def _record(body: bytes, is_json: bool) -> object:
    """All that is done with a request before it is saved."""
    decoded = decode_traces(body, is_json)
    counted = choose_calls(read_calls(decoded).calls, parents_of(decoded.spans)).counted
    return [make_record(call) for call in counted]


def _compare(name: str, rate: float, baseline: float, bar: float | None = None) -> Measurement:
    return Measurement(name, rate, "1/s", baseline, rate / baseline, bar, at_least=True)


def _make_span(number: int) -> Object:
    """A chat of an application, with what instruments usually tell."""
    return span(
        f"{number + 1:016x}",
        traceId=f"{number // 10 + 1:032x}",
        attributes={
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5",
            "gen_ai.response.model": "claude-sonnet-4-5-20250929",
            "gen_ai.response.id": f"msg_{number:024d}",
            "gen_ai.response.finish_reasons": ["stop"],
            "gen_ai.usage.input_tokens": 15_912 + number,
            "gen_ai.usage.output_tokens": 340,
            "gen_ai.usage.cache_read.input_tokens": 15_000,
            "gen_ai.usage.cache_creation.input_tokens": 900,
            "gen_ai.request.max_tokens": 4_096,
            "gen_ai.request.temperature": 0.5,
            "gen_ai.conversation.id": f"session-{number % 50}",
            "gen_ai.agent.name": "support",
            "gen_ai.input.messages": MESSAGES,
            "gen_ai.output.messages": MESSAGES,
            "server.address": "api.anthropic.com",
            "server.port": 443,
            "user.id": f"person-{number % 20}",
            "langfuse.trace.tags": ["red", "blue"],
            "http.response.status_code": 200,
            "logfire.span_type": "span",
        },
    )
