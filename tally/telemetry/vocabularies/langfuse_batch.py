"""Langfuse's older SDKs: batches of events that create an observation and then update it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tally.catalog.payees import OTHER, find_payee
from tally.telemetry.calls import Call, CallRefused
from tally.telemetry.decoding.json_bodies import parse_storable_json
from tally.telemetry.enclosing import NO_NAMES, SpanKey, Step
from tally.telemetry.signals import MAX_TIME, MIN_TIME, Undecodable
from tally.telemetry.vocabularies.langfuse import read_details
from tally.telemetry.vocabularies.reading import count_ms, describe_tokens, name_error
from tally.telemetry.vocabularies.tokens import Tokens
from tally.telemetry.vocabularies.told import flatten, read_instant, read_name, read_tags, read_usd

Object = Mapping[str, Any]
CALLS = ("generation", "embedding")
STEPS = ("agent", "tool")  # observations that name what the calls inside them are for
OF_OBSERVATION = (
    *("id", "traceId", "parentObservationId", "model", "startTime", "endTime", "completionStartTime"),
    *("usage", "usageDetails", "costDetails", "level", "promptName", "promptVersion", "environment"),
)
OF_TRACE = ("name", "userId", "sessionId", "tags", "environment")


class Ingested(NamedTuple):
    """The calls of a batch, what is around them, and its events by what became of them."""

    calls: list[Call]
    parents: dict[str, str]
    steps: dict[SpanKey, Step]  # agents and tools, which calls are inside of
    accepted: list[str]
    refused: list[tuple[str, str]]  # the event's id, and a sentence


class _Observation(NamedTuple):
    """An observation out of its events."""

    fields: dict[str, Any]
    events: list[str]
    is_created: bool
    kind: str
    timestamp: str


def read_batch(body: bytes) -> Ingested:
    """The calls of a batch of events; raises Undecodable."""
    batch = parse_storable_json(body) if body else {"batch": []}
    events = batch.get("batch") if isinstance(batch, dict) else None
    if not isinstance(events, list):
        raise Undecodable('The body is no batch of Langfuse: it must be {"batch": […]}.')
    found = Ingested([], {}, {}, [], [])
    traces: dict[str, dict[str, Any]] = {}
    observations: dict[str, _Observation] = {}
    for event in sorted(filter(_is_event, events), key=_order):
        _take(event, traces, observations, found)
    found.refused.extend(
        (
            read_name(event.get("id")) if isinstance(event, dict) else "",
            "An event must have an id, a type and a body.",
        )
        for event in events
        if not _is_event(event)
    )
    for observation in observations.values():
        _add_call(observation, traces, found)
    return found


def _is_event(event: object) -> bool:
    if not isinstance(event, dict):
        return False
    return (
        isinstance(event.get("type"), str)
        and bool(read_name(event.get("id")))
        and isinstance(event.get("body"), dict)
    )


def _order(event: Object) -> tuple[str, bool, str]:
    """The order of events: an observation is created before its updates."""
    return read_name(event.get("timestamp")), event["type"].endswith("-update"), read_name(event["id"])


def _take(
    event: Object, traces: dict[str, dict[str, Any]], observations: dict[str, _Observation], found: Ingested
) -> None:
    """Add an event to its trace or its observation."""
    kind, _, change = event["type"].lower().rpartition("-")
    body, event_id = event["body"], read_name(event["id"])
    own_id = read_name(body.get("id"))
    if kind == "trace":
        told = {key: body[key] for key in OF_TRACE if body.get(key)}
        traces[own_id] = traces.get(own_id, {}) | told
    if kind == "observation":
        kind = read_name(body.get("type")).lower()
    parent = read_name(body.get("parentObservationId"))
    if own_id and parent:
        found.parents[own_id] = parent
    name, trace_id = read_name(body.get("name")), read_name(body.get("traceId"))
    if own_id and trace_id and kind in STEPS and name:
        found.steps[trace_id, own_id] = Step(parent, NO_NAMES._replace(**{kind: name}))
    if kind not in CALLS:
        found.accepted.append(event_id)
        return
    known = observations.get(own_id) or _Observation({}, [], False, kind, read_name(event.get("timestamp")))
    fields = known.fields | {key: body[key] for key in OF_OBSERVATION if body.get(key) is not None}
    is_created = known.is_created or change == "create"
    observations[own_id] = known._replace(
        fields=fields, events=[*known.events, event_id], is_created=is_created
    )


def _add_call(observation: _Observation, traces: Mapping[str, Object], found: Ingested) -> None:
    """Add the call of an observation; an update that tells no usage is about a call that is known."""
    try:
        tokens = _read_tokens(observation.fields)
        if tokens.is_told or observation.is_created:
            found.calls.append(_read_call(observation, tokens, traces))
        found.accepted.extend(observation.events)
    except CallRefused as reason:
        found.refused.extend((each, f"The call was refused: {reason}.") for each in observation.events)


def _read_tokens(fields: Object) -> Tokens:
    usage = fields.get("usageDetails") or fields.get("usage")
    return read_details(flatten(usage)) if isinstance(usage, dict) else Tokens()


def _read_call(observation: _Observation, tokens: Tokens, traces: Mapping[str, Object]) -> Call:
    fields = observation.fields
    trace_id, own_id = read_name(fields.get("traceId")), read_name(fields.get("id"))
    if not own_id:
        raise CallRefused("its body has no id")
    trace, model = traces.get(trace_id, {}), read_name(fields.get("model"))
    started, ended = read_instant(fields.get("startTime")), read_instant(fields.get("endTime"))
    first, timestamp = read_instant(fields.get("completionStartTime")), ended or started
    timestamp = timestamp or read_instant(observation.timestamp)
    if timestamp is None:
        raise CallRefused(f"its time must be from {MIN_TIME.year} to {MAX_TIME.year - 1}")
    costs = fields.get("costDetails")
    is_error = read_name(fields.get("level")).upper() == "ERROR"
    status, error_code = name_error("", "", "") if is_error else ("ok", "")
    return Call(
        timestamp,
        find_payee(model) or OTHER,
        model,
        duration_ms=count_ms(started, ended),
        first_token_ms=count_ms(started, first),
        **describe_tokens(tokens),
        reported_usd=read_usd(costs.get("total")) if isinstance(costs, dict) else None,
        detail=len(fields),
        status=status,
        error_code=error_code,
        trace_id=trace_id,
        span_id=own_id,
        parent_span_id=read_name(fields.get("parentObservationId")),
        task=read_name(trace.get("name")),
        session=read_name(trace.get("sessionId")),
        person=read_name(trace.get("userId")),
        operation="embeddings" if observation.kind == "embedding" else "chat",
        environment=read_name(fields.get("environment")) or read_name(trace.get("environment")),
        prompt_name=read_name(fields.get("promptName")),
        prompt_version=read_name(fields.get("promptVersion")),
        tags=read_tags(trace.get("tags")),
    )
