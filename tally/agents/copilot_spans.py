"""OpenTelemetry spans and log records of GitHub Copilot as JSON lines, the exporter's own and OTLP's."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeGuard

from tally.agents.events import Event, LineRejected, ParsedPart, Tokens, UnknownShape
from tally.agents.json_values import child, parse_object, read_count, read_name, read_time, read_unix
from tally.agents.jsonl import lines_matching
from tally.agents.repositories import read_branch, read_repository
from tally.catalog.hosts import LOCAL
from tally.catalog.payees import find_payee
from tally.core.encoding import encode_parts

_USAGE = rb'"gen_ai\.usage\.'
_USAGE_OR_MODEL = rb'"gen_ai\.(?:usage\.|re(?:quest|sponse)\.model")'
# The same tokens are exported at up to four levels; the finest one available is used.
CHAT, INFERENCE, TURN, AGENT = range(4)
OPERATIONS = {
    "chat": CHAT,
    "text_completion": CHAT,
    "generate_content": CHAT,
    "embeddings": CHAT,
    "invoke_agent": AGENT,
}
LOG_EVENTS = {"gen_ai.client.inference.operation.details": INFERENCE, "copilot_chat.agent.turn": TURN}
REPEATING = ("create_agent", "agent_step", "invoke_workflow", "execute_tool", "plan")  # sums of others
SESSION_KEYS = (
    "gen_ai.conversation.id",
    "copilot_chat.session_id",
    "session.id",
    "github.copilot.interaction_id",
)
MODEL_KEYS = "gen_ai.response.model", "gen_ai.request.model"
INPUT_KEYS = "input_tokens", "prompt_tokens"
OUTPUT_KEYS = "output_tokens", "completion_tokens"
READ_KEYS = (
    "cache_read.input_tokens",
    "cache_read_input_tokens",
    "cached_input_tokens",
    "input_tokens.cached",
    "details.cache_read_tokens",
)
WRITE_KEYS = (
    "cache_write.input_tokens",
    "cache_creation.input_tokens",
    "cache_write_input_tokens",
    "cache_creation_input_tokens",
    "input_tokens.cache_write",
    "details.cache_write_tokens",
)
REASONING_KEYS = (
    "reasoning.output_tokens",
    "reasoning_output_tokens",
    "reasoning_tokens",
    "output_tokens.reasoning",
    "details.reasoning_tokens",
)
BRANCH_KEYS = "github.copilot.git.branch", "copilot_chat.repo.head_branch_name"
REPOSITORY_KEYS = "github.copilot.git.repository", "copilot_chat.repo.remote_url"
TIME_PAIRS = "endTime", "startTime", "hrTime", "_hrTime", "time"
TIMES = "endTimeUnixNano", "startTimeUnixNano", "timeUnixNano", "observedTimeUnixNano", "timestamp"
LONG_CONTEXT_SUFFIXES = "-1m-internal", "-1m"  # variants of the same model

Record = Mapping[str, Any]


class Span(NamedTuple):
    """A request or a sum of requests, with the trace and response it belongs to."""

    level: int
    names: set[str]
    event: Event


def parse_spans(data: bytes) -> ParsedPart:
    """Return the exported requests."""
    part, spans = _read_spans(data, _USAGE)
    if not all(span.event.model for span in spans):  # told elsewhere in the trace or session
        part, spans = _read_spans(data, _USAGE_OR_MODEL)
    finest = _with_repositories(_finest(spans), spans)
    part.events = [
        event if event.model else event._replace(model="unknown") for event in name_contents(finest)
    ]
    return part


def name_session(session: str) -> str:
    """Alias of the requests in one session."""
    return encode_parts("session", session)


def name_contents(events: Iterable[Event]) -> list[Event]:
    """Name each request by its session and counts, as other logs of Copilot tell of it, too."""
    seen: Counter[str] = Counter()
    named = []
    for event in events:
        if event.session and not event.aliases:  # those of a sum have one already
            contents = encode_parts("counts", event.session, event.input_tokens, event.output_tokens)
            seen[contents] += 1
            aliases = name_session(event.session), encode_parts(contents, seen[contents])
            event = event._replace(aliases=aliases)
        named.append(event)
    return named


def find_vendor(model: str) -> str:
    """Return the provider that is paid: GitHub, but for models on the user's own machine."""
    return LOCAL if find_payee(model) == LOCAL else "github-copilot"


def name_model(model: str) -> str:
    """Return a model's name without the variant of its context."""
    for suffix in LONG_CONTEXT_SUFFIXES:
        model = model.removesuffix(suffix)
    return model


def _read_spans(data: bytes, marker: bytes) -> tuple[ParsedPart, list[Span]]:
    part = ParsedPart()
    spans: list[Span] = []
    models: dict[str, str] = {}  # by trace and session, as told last
    for line in lines_matching(data[: data.rfind(b"\n") + 1], re.compile(marker)):
        try:
            for record in _records(parse_object(line)):
                _note_model(record, models)
                if span := _read_span(record, models):
                    spans.append(span)
        except LineRejected as reason:
            part.reject(reason)
    return part, [_with_model(span, models) for span in spans]


def _records(record: Record) -> Iterator[Record]:
    """Yield a line's spans and log records, with plain attributes: a line of OTLP has several."""
    groups = [
        (record.get("resourceSpans"), "scopeSpans", "spans"),
        (record.get("resourceLogs"), "scopeLogs", "logRecords"),
    ]
    if not any(isinstance(group, list) for group, _, _ in groups):
        yield _with_plain_attributes(record)
    for resources, scopes, items in groups:
        for resource in _objects(resources):
            for scope in _objects(resource.get(scopes)):
                for item in _objects(scope.get(items)):
                    yield _with_plain_attributes(item)


def _objects(value: object) -> Iterator[Record]:
    return (item for item in (value if isinstance(value, list) else []) if isinstance(item, dict))


def _with_plain_attributes(record: Record) -> Record:
    """Turn a list of keys and typed values, as OTLP has it, into an object."""
    listed = record.get("attributes")
    if not isinstance(listed, list):
        return record
    return {
        **record,
        "attributes": {read_name(one, "key"): _plain(one.get("value")) for one in _objects(listed)},
    }


def _plain(value: object) -> object:
    return next(iter(value.values()), None) if isinstance(value, dict) else value


def _note_model(record: Record, models: dict[str, str]) -> None:
    attributes = child(record, "attributes")
    if model := _first_name(attributes, MODEL_KEYS):
        models |= dict.fromkeys(_places(record, attributes), model)


def _with_model(span: Span, models: Mapping[str, str]) -> Span:
    """Name the model of a span that comes before the one that tells it."""
    if span.event.model:
        return span
    places = {*span.names, span.event.session}
    model = name_model(next((models[place] for place in places if place in models), ""))
    return span._replace(event=span.event._replace(model=model, vendor=find_vendor(model)))


def _places(record: Record, attributes: Record) -> set[str]:
    """Trace and session of a record."""
    return {_trace_of(record), _first_name(attributes, SESSION_KEYS)} - {""}


def _read_span(record: Record, models: Mapping[str, str]) -> Span | None:
    attributes = child(record, "attributes")
    level = _find_level(record, attributes)
    if level is None and _find_operation(record, attributes) in REPEATING:
        return None
    event = _read_event(record, attributes, models)
    if event is None:
        return None
    if level is None:
        raise UnknownShape
    if level in (TURN, AGENT) and event.session:
        event = event._replace(aliases=(name_session(event.session),))
    return Span(level, _names(record, attributes), event)


def _finest(spans: list[Span]) -> Iterable[Span]:
    covered: set[str] = set()
    for level in (CHAT, INFERENCE, TURN, AGENT):
        of_this_level = [span for span in spans if span.level == level]
        yield from (span for span in of_this_level if not span.names & covered)
        covered = covered.union(*(span.names for span in of_this_level))


def _with_repositories(found: Iterable[Span], spans: list[Span]) -> Iterable[Event]:
    """Yield the events; only the agent's span of a trace names the branch and the repository."""
    named = {
        name: span.event
        for span in spans
        if span.event.branch or span.event.repository
        for name in span.names
    }
    for span in found:
        source = next((named[name] for name in span.names if name in named), span.event)
        yield span.event._replace(
            branch=span.event.branch or source.branch,
            repository=span.event.repository or source.repository,
        )


def _find_level(record: Record, attributes: Record) -> int | None:
    log_event = read_name(attributes, "event.name") or read_name(record, "eventName")
    if record.get("type") == "span" or ("type" not in record and "spanId" in record and not log_event):
        return OPERATIONS.get(_find_operation(record, attributes))
    return LOG_EVENTS.get(log_event)


def _find_operation(record: Record, attributes: Record) -> str:
    return read_name(attributes, "gen_ai.operation.name") or read_name(record, "name").split(" ")[0]


def _names(record: Record, attributes: Record) -> set[str]:
    return {_trace_of(record), read_name(attributes, "gen_ai.response.id")} - {""}


def _trace_of(record: Record) -> str:
    return read_name(record, "traceId") or read_name(child(record, "spanContext"), "traceId")


def _read_tokens(attributes: Record) -> Tokens:
    """Read the tokens by any of their spellings: some are written side by side, by others only one."""
    input_tokens, output, cached, write, reasoning = (
        max(read_count(attributes, f"gen_ai.usage.{key}") for key in keys)
        for keys in (INPUT_KEYS, OUTPUT_KEYS, READ_KEYS, WRITE_KEYS, REASONING_KEYS)
    )
    if input_tokens < cached + write:  # they are not part of it
        input_tokens += cached + write
    return Tokens(input_tokens, output, cached, write, min(output, reasoning))


def _read_event(record: Record, attributes: Record, models: Mapping[str, str]) -> Event | None:
    tokens = _read_tokens(attributes)
    if not tokens.input_tokens and not tokens.output_tokens:
        return None
    told = next((models[place] for place in _places(record, attributes) if place in models), "")
    model = name_model(_first_name(attributes, MODEL_KEYS) or told)
    timestamp = _read_time(record)
    response = read_name(attributes, "gen_ai.response.id")
    span = "".join(sorted(_names(record, attributes))) + read_name(record, "spanId")
    # Requests of one turn may share a response id, so token counts are part of the identity.
    identity = (response, model, *tokens[:4]) if response else (span, timestamp)
    return Event(
        encode_parts(*identity),
        timestamp,
        find_vendor(model),
        model,
        tokens.input_tokens,
        tokens.output_tokens,
        cached_input_tokens=tokens.cached_input_tokens,
        cache_write_tokens=tokens.cache_write_tokens,
        reasoning_tokens=tokens.reasoning_tokens,
        session=_first_name(attributes, SESSION_KEYS),
        branch=next(filter(None, (read_branch(attributes, key) for key in BRANCH_KEYS)), ""),
        repository=next(filter(None, (read_repository(attributes, key) for key in REPOSITORY_KEYS)), ""),
    )


def _first_name(values: Record, keys: Iterable[str]) -> str:
    return next(filter(None, (read_name(values, key) for key in keys)), "")


def _read_time(record: Record) -> datetime:
    for key in TIME_PAIRS:
        if _is_high_resolution(value := record.get(key)):
            seconds, nanoseconds = value
            return read_unix(seconds + nanoseconds / 1e9)
    return read_time(next(filter(None, (record.get(key) for key in (*TIMES, *TIME_PAIRS))), None))


def _is_high_resolution(value: object) -> TypeGuard[list[int]]:
    """Return whether this is a pair of seconds and nanoseconds."""
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, int) for part in value)
