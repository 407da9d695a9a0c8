"""Gemini CLI and its forks: an event for each response, without an id, so a session counts by one channel."""

from tally.telemetry.calls import Call
from tally.telemetry.signals import LogRecord
from tally.telemetry.vocabularies.reading import EVENT_TIME, name_error, read_event
from tally.telemetry.vocabularies.tokens import Counts, Tokens, count_tokens
from tally.telemetry.vocabularies.told import Told, read_instant

# Prefix of an agent's events -> its name.
AGENTS = {"gemini_cli": "gemini-cli", "qwen-code": "qwen-code"}
PLANS = {"oauth-personal": "gemini-app", "login_with_google": "gemini-app"}


def read_log(record: LogRecord, told: Told) -> Call | None:
    """The call of a response, or of an error; output is without thoughts, input without tools' tokens."""
    prefix, _, event = record.name.partition(".")
    if prefix not in AGENTS or event not in ("api_response", "api_error"):
        return None
    tokens = Tokens()
    if event == "api_response":
        reasoning = told.count("agent reasoning") or 0
        tokens = count_tokens(
            Counts(
                input=(told.count("agent input") or 0) + (told.count("tool tokens") or 0),
                output=(told.count("agent output") or 0) + reasoning,
                read=told.count("agent cache reads"),
                reasoning=reasoning,
            )
        )
    return read_event(
        record,
        told,
        tokens,
        timestamp=read_instant(told.attributes.get(EVENT_TIME)) or record.timestamp,
        agent=AGENTS[prefix],
        channel=AGENTS[prefix],
        operation="chat",
        plan=PLANS.get(told.text("paid with").lower(), ""),
        **_read_error(told, event),
    )


def _read_error(told: Told, event: str) -> dict[str, str]:
    if event != "api_error":
        return {}
    status, error_code = name_error(told.text("error"), told.text("HTTP status"), "")
    return {"status": status, "error_code": error_code}
