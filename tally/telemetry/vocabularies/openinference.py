"""OpenInference: `llm.token_count.*` on spans of kind LLM and EMBEDDING."""

from datetime import datetime

from tally.telemetry.calls import Call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import genai
from tally.telemetry.vocabularies.reading import count_ms, read_call, read_first_token
from tally.telemetry.vocabularies.tokens import read_tokens
from tally.telemetry.vocabularies.told import Told

FIRST_TOKEN = "First Token Stream Event"  # noqa: S105 - the name of an event


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a span, None for chains, agents and tools."""
    if not genai.is_call(told):
        return None
    tokens = read_tokens(told)
    operation = "embeddings" if str(told.value("kind")).upper() == "EMBEDDING" else "chat"
    first = next((event.timestamp for event in span.events if event.name == FIRST_TOKEN), None)
    return read_call(
        span,
        told,
        tokens,
        operation=told.text("operation") or operation,
        first_token_ms=since(span, first) or read_first_token(told),
    )


def since(span: Span, instant: datetime | None) -> int | None:
    """Milliseconds from the start of a span; None for an instant that is not in it."""
    if instant is None or not span.start < instant <= span.end:
        return None
    return count_ms(span.start, instant)
