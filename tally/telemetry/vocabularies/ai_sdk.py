"""Vercel's AI SDK: spans `ai.generateText.doGenerate`, whose parents repeat their usage."""

from dataclasses import replace

from tally.telemetry.calls import Call
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import genai, keys
from tally.telemetry.vocabularies.reading import read_call
from tally.telemetry.vocabularies.tokens import complete_tokens, read_tokens
from tally.telemetry.vocabularies.told import Told, read_object

OF_ANTHROPIC = "anthropic.usage."


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a span, None for the operations around calls."""
    operation = told.text("AI SDK operation")
    if not genai.is_call(told):
        return None
    tokens = read_tokens(told)
    if not tokens.is_told and not operation.rpartition(".")[2].startswith("do"):
        return None
    of_provider = read_object(told.attributes.get(keys.AI_SDK_METADATA))
    usage = {
        key.removeprefix(OF_ANTHROPIC): value
        for key, value in of_provider.items()
        if key.startswith(OF_ANTHROPIC)
    }
    call = read_call(span, told, complete_tokens(tokens, usage) if usage else tokens)
    # Every model of the SDK goes through it: one operation is named by what it does.
    return replace(call, operation="embeddings" if operation.endswith("doEmbed") else "chat")
