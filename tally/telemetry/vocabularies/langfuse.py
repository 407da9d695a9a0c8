"""Langfuse's SDKs over OpenTelemetry: usage and cost as objects that are written as text."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tally.telemetry.calls import Call, CallRefused
from tally.telemetry.signals import Span
from tally.telemetry.vocabularies import genai, keys
from tally.telemetry.vocabularies.langfuse_usage import read_usage
from tally.telemetry.vocabularies.openinference import since
from tally.telemetry.vocabularies.reading import read_call, read_first_token
from tally.telemetry.vocabularies.tokens import Tokens, read_tokens
from tally.telemetry.vocabularies.told import Told, read_instant, read_object, read_usd

STARTED = "langfuse.observation.completion_start_time"
OPENAI_SHAPE = ("prompt_tokens", "completion_tokens")


def read_span(span: Span, told: Told) -> Call | None:
    """The call of a generation or an embedding, None for other observations."""
    if not genai.is_call(told):
        return None
    usage = read_object(told.attributes.get(keys.LANGFUSE_USAGE))
    tokens = read_details(usage) if usage else read_tokens(told)
    cost = read_usd(read_object(told.attributes.get(keys.LANGFUSE_COST)).get("total"))
    return read_call(
        span,
        told,
        tokens,
        reported_usd=cost if cost is not None else told.cost(),
        operation=told.text("operation") or "chat",
        first_token_ms=since(span, _read_start(told)) or read_first_token(told),
    )


def read_details(details: Mapping[str, Any]) -> Tokens:
    """Tokens of an object of usage, whose parts stand beside each other unless OpenAI named them."""
    told = {key: str(value) for key, value in details.items() if isinstance(value, int | float | str)}
    if OPENAI_SHAPE[0] in told and "total_tokens" not in told:
        told["total_tokens"] = str(sum(int(told.get(key) or 0) for key in OPENAI_SHAPE))
    try:
        usage, reasoning = read_usage(told)
    except ValueError as reason:
        raise CallRefused(f"its usage cannot be read: {reason}") from None
    return Tokens(
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.cache_write_1h_tokens,
        min(reasoning, usage.output_tokens),
        has_cache=any("cache" in key for key in told),
        has_lifetimes=any("1h" in key or "5m" in key for key in told),
    )


def _read_start(told: Told) -> datetime | None:
    """The instant of the first token, which is written as JSON."""
    value = told.attributes.get(STARTED)
    return read_instant(value.strip('"')) if isinstance(value, str) else None
