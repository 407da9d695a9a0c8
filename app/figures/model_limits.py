"""Limits of models in words."""

from collections.abc import Mapping

from app.formats.durations import format_duration
from tally.alerts.model_limits import ModelKind, ModelLimit
from tally.core.text import plural
from tally.notifications.texts import WINDOWS

KINDS: Mapping[ModelKind, str] = {"error_rate": "Error rate", "latency": "Latency"}


def describe_limit(limit: ModelLimit) -> str:
    """A limit in words: `gpt-5: more than 5% of requests failed in the last hour, of at least 20 …`."""
    model = limit.model or "Every model, each by itself"
    crossed = (
        f"more than {limit.limit.normalize():f}% of requests failed"
        if limit.kind == "error_rate"
        else f"p95 latency above {format_duration(float(limit.limit) * 1000)}"
    )
    least = plural(limit.requests, "request")
    return f"{model}: {crossed} in the last {WINDOWS[limit.minutes]}, of at least {least}"
