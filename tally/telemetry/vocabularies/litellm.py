"""LiteLLM's callback `otel`: no classes of cached tokens but in an object of usage, which is Python."""

import ast
from collections.abc import Mapping
from typing import Any

from tally.telemetry.calls import Call
from tally.telemetry.signals import Span, Value
from tally.telemetry.vocabularies import genai, keys
from tally.telemetry.vocabularies.reading import read_call
from tally.telemetry.vocabularies.tokens import complete_tokens
from tally.telemetry.vocabularies.told import Told, flatten, read_object


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a span, None for the raw request inside."""
    tokens = genai.read_statement(told)
    if tokens is None:
        return None
    if usage := read_python(told.attributes.get(keys.LITELLM_USAGE)):
        tokens = complete_tokens(tokens, usage)
    of_call = read_object(told.attributes.get("metadata"))
    key_name = told.attributes.get("metadata.user_api_key_alias") or of_call.get("user_api_key_alias")
    return read_call(span, told, tokens, key_name=key_name if isinstance(key_name, str) else "")


def read_python(value: Value) -> Mapping[str, Any]:
    """An object that is written as Python writes it, by its paths; empty for none."""
    if not isinstance(value, str) or not value.startswith("{"):
        return {}
    try:
        found = ast.literal_eval(value)  # the text has at most a few thousand characters
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return {}
    return flatten(found) if isinstance(found, dict) and all(isinstance(key, str) for key in found) else {}
