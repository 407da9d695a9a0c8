"""LangSmith's SDK in its OpenTelemetry mode: classes of tokens are in objects that are written as text."""

from tally.telemetry.calls import Call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import genai, keys
from tally.telemetry.vocabularies.reading import read_call
from tally.telemetry.vocabularies.tokens import complete_tokens
from tally.telemetry.vocabularies.told import Told, read_object


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a span of kind llm or embedding."""
    tokens = genai.read_statement(told)
    if tokens is None:
        return None
    details = read_object(told.attributes.get(keys.LANGSMITH_INPUT))
    details |= read_object(told.attributes.get(keys.LANGSMITH_OUTPUT))
    return read_call(span, told, complete_tokens(tokens, details) if details else tokens)
