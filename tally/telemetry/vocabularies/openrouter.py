"""OpenRouter's Broadcast: the conventions, with what was charged and the name of the key."""

from dataclasses import replace

from tally.telemetry.calls import Call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import genai
from tally.telemetry.vocabularies.told import Told, read_name

NAME = "openrouter"
KEY_NAME = "trace.metadata.openrouter.api_key_name"


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a generation, which OpenRouter is paid for, whoever served it."""
    call = genai.read_span(span, told)
    if call is None:
        return None
    return replace(call, provider=NAME, key_name=read_name(told.attributes.get(KEY_NAME)))
