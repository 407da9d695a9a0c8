"""Claude Code: an event for each request, and in its beta traces a span; both name it by the request's id."""

from tally.telemetry.calls import Call
from tally.telemetry.signals import LogRecord, Span
from tally.telemetry.vocabularies.reading import name_error, read_call, read_event
from tally.telemetry.vocabularies.tokens import Counts, Tokens, count_tokens
from tally.telemetry.vocabularies.told import Told

NAME = "claude-code"
PREFIX = "claude_code."
REQUEST_SPAN = "claude_code.llm_request"
NORMAL = "normal"


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
