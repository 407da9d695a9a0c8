"""Claude Code: an event for each request, and in its beta traces a span; both name it by the request's id."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tally.core.records import identity
from tally.telemetry.calls import Call, trace_of_session
from tally.telemetry.signals import DataPoint, LogRecord, Span
from tally.telemetry.vocabularies.reading import name_error, read_call, read_event
from tally.telemetry.vocabularies.tokens import Counts, Tokens, count_tokens
from tally.telemetry.vocabularies.told import Told

NAME = "claude-code"
PREFIX = "claude_code."
REQUEST_SPAN = "claude_code.llm_request"
NORMAL = "normal"
COST_METRIC, KIND_OF_TOKENS = "claude_code.cost.usage", "type"
TOKENS_OF = {  # kinds of tokens in metrics -> their names in events
    "input": "input_tokens",
    "output": "output_tokens",
    "cacheRead": "cache_read_tokens",
    "cacheCreation": "cache_creation_tokens",
}


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a request's span."""
    if span.name != REQUEST_SPAN:
        return None
    return read_call(span, told, _read_tokens(told), agent=NAME, operation="chat", speed=_read_speed(told))


def read_log(record: LogRecord, told: Told) -> Call | None:
    """The call of a request's event, or of its failure."""
    event = record.name.removeprefix(PREFIX)
    if event == "api_error":
        status, code = name_error(told.text("error"), told.text("HTTP status"), "")
        changes = {"status": status, "error_code": code}
        return read_event(record, told, Tokens(), agent=NAME, operation="chat", **changes)
    if event != "api_request":
        return None
    tokens = _read_tokens(told)
    return read_event(record, told, tokens, agent=NAME, operation="chat", speed=_read_speed(told))


def read_points(points: Iterable[DataPoint]) -> Iterator[Call]:
    """The calls of a session and a model in a period, as one sum; without a session, nothing joins them."""
    groups: dict[tuple[object, ...], list[DataPoint]] = defaultdict(list)
    for point in points:
        about = {key: value for key, value in point.attributes.items() if key != KIND_OF_TOKENS}
        groups[point.start, point.end, repr(sorted(about.items())), repr(point.resource)].append(point)
    for (*_, said, _), group in groups.items():
        call = _read_sum(group)
        if call.session and call.has_usage:
            trace = trace_of_session(NAME, call.session)
            span = identity("sum", trace, call.timestamp, group[0].start, str(said)).hex
            yield replace(call, trace_id=trace, span_id=span[:16])


def _read_sum(group: Sequence[DataPoint]) -> Call:
    first = group[0]
    sums: dict[str, float] = defaultdict(float)
    for point in group:
        kind = str(point.attributes.get(KIND_OF_TOKENS))
        if point.name == COST_METRIC or kind in TOKENS_OF:
            sums["cost_usd" if point.name == COST_METRIC else TOKENS_OF[kind]] += point.value
    counts = {key: round(value) if key != "cost_usd" else value for key, value in sums.items()}
    record = LogRecord(first.end, first.name, first.scope, {**first.attributes, **counts}, first.resource)
    told = Told(record.attributes, record.resource)
    # The agent's logs know nothing of sums, so of a session one of the two counts.
    changes = {"agent": NAME, "channel": NAME, "operation": "chat", "is_sum": True}
    return read_event(record, told, _read_tokens(told), **changes)


def _read_speed(told: Told) -> str:
    speed = told.text("speed")
    return "" if speed == NORMAL else speed


def _read_tokens(told: Told) -> Tokens:
    """Tokens of a request: its input does not contain what was cached, and says nothing of lifetimes."""
    read, write = told.count("agent cache reads") or 0, told.count("agent cache writes") or 0
    return count_tokens(
        Counts(
            input=(told.count("agent input") or 0) + read + write,
            output=told.count("agent output"),
            read=read,
            write=write,
        )
    )
