"""Codex: an event for each response; it names no request, so a session counts by one channel."""

from tally.telemetry.calls import Call
from tally.telemetry.signals import LogRecord
from tally.telemetry.vocabularies.reading import EVENT_TIME, read_event
from tally.telemetry.vocabularies.tokens import Counts, Tokens, count_tokens
from tally.telemetry.vocabularies.told import Told, read_instant

NAME = "codex"
RESPONSE, REQUEST = "codex.sse_event", "codex.api_request"
INPUT = "input_token_count"  # the event comes twice; only one has the counts
PLANS = {"chatgpt": "chatgpt"}


def read_log(record: LogRecord, told: Told) -> Call | None:
    """The call of a completed response, or of a request that failed."""
    if record.name == RESPONSE and INPUT in told.attributes:
        tokens = count_tokens(
            Counts(
                input=told.count("agent input"),
                output=told.count("agent output"),
                read=told.count("agent cache reads"),
                write=told.count("agent cache writes"),
                write_1h=0,
                reasoning=told.count("agent reasoning"),
            )
        )
        return _read(record, told, tokens)
    if record.name == REQUEST:
        failed = _read(record, told, Tokens())
        return failed if failed.status != "ok" else None
    return None


def _read(record: LogRecord, told: Told, tokens: Tokens) -> Call:
    return read_event(
        record,
        told,
        tokens,
        timestamp=read_instant(told.attributes.get(EVENT_TIME)) or record.timestamp,
        agent=NAME,
        channel=NAME,
        operation="chat",
        plan=PLANS.get(told.text("paid with").lower(), ""),
    )
