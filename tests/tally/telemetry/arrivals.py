"""A capture as it may arrive: told by others too, split, mixed, sent again, in both encodings."""

import json
import random
import re
from collections.abc import Iterator
from typing import Any

from tally.core.records import identity
from tally.telemetry.calls import Call
from tests.tally.telemetry import captures, otlp
from tests.tally.telemetry.captures import Request

NATIVE = "/v1/traces"
SUBAGENT, TOOL = "researcher", "search"
HEX_TRACE = re.compile("[0-9a-f]{32}")  # payloads that are no OTLP have ids of their own


def add_instrument(calls: list[Call]) -> list[Request]:
    """What a second instrument in the same program tells of these calls: spans within theirs, without ids.

    Each is inside a tool of an agent, whose names only their own spans tell.
    """
    spans = []
    for call in calls:
        if is_traced(call):
            agent = step(call, "agent", call.span_id, **{"gen_ai.agent.name": SUBAGENT})
            tool = step(call, "tool", agent["spanId"], **{"gen_ai.tool.name": TOOL})
            own = tell(call, f"inner {call.span_id}", trace=call.trace_id, parent=tool["spanId"])
            spans += [agent, tool, own]
    return [_request(spans, "opentelemetry.instrumentation.second", "shop")] if spans else []


def is_traced(call: Call) -> bool:
    """Check whether a call is told by a span of OTLP with usage."""
    return HEX_TRACE.fullmatch(call.trace_id) is not None and call.has_usage


def step(call: Call, kind: str, parent: str, **attributes: str) -> otlp.Object:
    """A span that is no call, of the trace of a call."""
    own = identity("arrivals", kind, call.span_id).hex[:16]
    return otlp.span(own, traceId=call.trace_id, parentSpanId=parent, name=kind, attributes=attributes)


def add_gateway(calls: list[Call]) -> list[Request]:
    """What a gateway tells of these calls: their ids, in traces of its own."""
    spans = [
        tell(call, call.request_ids[0], **name_response(call.request_ids))
        for call in calls
        if call.request_ids and call.has_usage
    ]
    return [_request(spans, "gateway", "gateway")] if spans else []


def name_response(ids: tuple[str, ...]) -> dict[str, Any]:
    """The ids as spans tell them; Anthropic has one of the request and one of the message."""
    if ids[0].startswith("req_"):  # agents tell this one alone, gateways both
        return {"gen_ai.response.id": f"msg_of_{ids[0]}", "anthropic.request.id": ids[0]}
    own = next((each for each in ids if each.startswith("req_")), None)
    return {"gen_ai.response.id": ids[0], **({"anthropic.request.id": own} if own else {})}


def tell(call: Call, name: str, trace: str = "", parent: str = "", **told: Any) -> otlp.Object:
    """A span that tells of a call all that is known of it; its ids are made of the name."""
    own = identity("arrivals", name).hex
    nanoseconds = int(call.timestamp.timestamp() * 10**6) * 1_000
    cached = {
        "gen_ai.usage.cache_read.input_tokens": call.cached_input_tokens,
        "gen_ai.usage.cache_creation.input_tokens": call.cache_write_tokens,
    }
    hourly = {
        "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": call.cache_write_1h_tokens,
        "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": call.cache_write_tokens
        - call.cache_write_1h_tokens,
    }
    attributes = {
        "gen_ai.operation.name": call.operation or "chat",
        "gen_ai.provider.name": call.provider,
        "gen_ai.response.model": call.model,
        "gen_ai.usage.input_tokens": call.input_tokens,
        "gen_ai.usage.output_tokens": call.output_tokens,
        "gen_ai.usage.reasoning.output_tokens": call.reasoning_tokens,
        **(cached if call.has_cache_detail else {}),
        **(hourly if call.has_all_classes and call.cache_write_tokens else {}),
        **({"gen_ai.usage.cost": float(call.reported_usd)} if call.reported_usd is not None else {}),
        **told,
    }
    return otlp.span(
        own[:16],
        traceId=trace or own,
        parentSpanId=parent,
        startTimeUnixNano=str(nanoseconds),
        endTimeUnixNano=str(nanoseconds + (call.duration_ms or 1) * 10**6),
        name="chat",
        attributes=attributes,
    )


def _request(spans: list[otlp.Object], scope: str, service: str) -> Request:
    resource = otlp.traces(*spans, scope=scope, **{"service.name": service})
    return Request(NATIVE, True, otlp.as_json(resource))


def arrange(requests: list[Request], chance: random.Random) -> Iterator[Request]:
    """The requests split, mixed, partly sent again, and each in an encoding by chance."""
    parts = [part for request in requests for part in captures.split(request, chance)]
    parts += chance.sample(parts, chance.randint(0, len(parts)))
    chance.shuffle(parts)
    for part in parts:
        is_otlp = part.is_json and part.signal in captures.ITEMS
        yield in_protobuf(part) if is_otlp and chance.random() < 0.5 else part


def in_protobuf(request: Request) -> Request:
    """The request in the other encoding."""
    return request._replace(is_json=False, body=otlp.as_protobuf(json.loads(request.body)))
