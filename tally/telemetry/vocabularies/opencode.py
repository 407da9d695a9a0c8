"""opencode: the AI SDK's spans."""

from dataclasses import replace

from tally.telemetry.calls import Call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import ai_sdk
from tally.telemetry.vocabularies.told import Told

NAME = "opencode"


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a request."""
    call = ai_sdk.read_span(span, told)
    return replace(call, agent=NAME) if call else None
