"""OpenTelemetry's conventions for generative AI, of all ages, and what extends them without changing them."""

from tally.telemetry.calls import Call
from tally.telemetry.signals import LogRecord, Span
from tally.telemetry.vocabularies import keys, reading
from tally.telemetry.vocabularies.reading import read_call
from tally.telemetry.vocabularies.tokens import Tokens, read_tokens
from tally.telemetry.vocabularies.told import Told


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a span, None for one that is no call or sums up others."""
    tokens = read_statement(told)
    return read_call(span, told, tokens) if tokens is not None else None


def read_event(record: LogRecord, told: Told) -> Call | None:
    """The call of the conventions' own event of a request, where it tells its usage."""
    tokens = read_statement(told)
    return reading.read_event(record, told, tokens) if tokens is not None and tokens.is_told else None


def read_statement(told: Told) -> Tokens | None:
    """The tokens of a call, none for one that told no usage; None for a span that is no call."""
    if not is_call(told):
        return None
    tokens = read_tokens(told)
    return tokens if is_statement(told, tokens) else None


def is_call(told: Told) -> bool:
    """Check whether a span may be a call: agents, workflows and tools repeat the usage of their calls."""
    operation, kind = told.value("operation"), told.value("kind")
    if isinstance(operation, str) and operation.lower() in keys.AGGREGATES:
        return False
    if isinstance(kind, str) and kind.lower() not in keys.COUNTED_KINDS:
        return False
    if told.value("AI SDK operation") in keys.AI_SDK_AGGREGATES:
        return False
    return keys.AGGREGATED_USAGE not in told.attributes


def is_statement(told: Told, tokens: Tokens) -> bool:
    """Check whether it tells usage, or says that it is a call that told none."""
    if tokens.is_told:
        return True
    operation, kind = told.value("operation"), told.value("kind")
    is_counted = isinstance(operation, str) and operation.lower() in keys.COUNTED_OPERATIONS
    return is_counted or (isinstance(kind, str) and kind.lower() in keys.COUNTED_KINDS)
