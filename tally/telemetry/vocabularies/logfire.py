"""Logfire's instrumentations of OpenAI and Anthropic."""

from tally.telemetry.calls import Call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import genai, keys
from tally.telemetry.vocabularies.reading import read_call
from tally.telemetry.vocabularies.tokens import complete_tokens
from tally.telemetry.vocabularies.told import Told, read_object


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a span; a stream is told by a span after its request's, which then tells nothing."""
    tokens = genai.read_statement(told)
    if tokens is None or not (tokens.is_told or span.status == "error" or told.text("response id")):
        return None
    if usage := read_object(told.attributes.get(keys.LOGFIRE_USAGE)):
        tokens = complete_tokens(tokens, usage)
    seconds = told.number("duration s")
    changes = {"duration_ms": round(seconds * 1000)} if seconds else {}
    return read_call(span, told, tokens, **changes)
