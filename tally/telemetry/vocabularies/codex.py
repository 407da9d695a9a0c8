"""Codex: an event for each response; it names no request, so a session counts by one channel."""

from datetime import UTC, datetime

from tally.telemetry.calls import Call
from tally.telemetry.signals import LogRecord
from tally.telemetry.vocabularies.reading import read_event
from tally.telemetry.vocabularies.tokens import Counts, Tokens, count_tokens
from tally.telemetry.vocabularies.told import Told

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
        timestamp=read_event_time(told) or record.timestamp,
        agent=NAME,
        channel=NAME,
        operation="chat",
        plan=PLANS.get(told.text("paid with").lower(), ""),
    )


def read_event_time(told: Told) -> datetime | None:
    """The time that an agent gives its event."""
    value = told.attributes.get("event.timestamp")
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if found is None or found.tzinfo is None or not 2020 <= found.year < 2100:
        return None
    return found.astimezone(UTC)
