"""Spans and traces in words."""

from collections.abc import Sequence
from decimal import Decimal

from app.formats.counts import format_count
from app.formats.currency import currency_symbol
from app.formats.money import format_money
from app.formats.text import DASH
from tally.core.text import plural
from tally.traces.stored_span import SpanKind, StoredSpan
from tally.traces.waterfall import Node, Waterfall

KINDS: dict[SpanKind, str] = {
    "agent": "Agent",
    "llm": "LLM",
    "tool": "Tool",
    "retrieval": "Retrieval",
    "http": "HTTP",
    "db": "Database",
    "internal": "Other",
}
STATUSES = {"ok": "OK", "retried": "Retried", "error": "Error"}
FAILURES = {"error": "failed", "timeout": "timed out", "rate_limited": "rate limited"}
SMALLEST = Decimal("0.0001")
MOST_MODELS = 1


def describe_outcome(node: Node) -> str:
    """The outcome of a span besides going well: failed, retry; empty if there is none."""
    said = [FAILURES[node.span.status]] if node.span.status != "ok" else []
    said += ["retry"] if node.retry_of else []
    said += ["parent missing"] if node.is_detached else []
    return ", ".join(said)


def describe_trace(waterfall: Waterfall) -> str:
    """The state of a trace in words: `OK, 2 retries`."""
    failed = bool(waterfall.roots) and waterfall.roots[0].span.status != "ok"
    retries = plural(waterfall.retries, "retry").replace("retrys", "retries")
    return ("Failed" if failed else "OK") + (f", {retries}" if waterfall.retries else "")


def describe_errors(waterfall: Waterfall) -> str:
    """The outcome of the errors of a trace."""
    failed = [node for node in waterfall.nodes if node.span.status != "ok"]
    retried = sum(node.is_retried for node in failed)
    if not failed:
        return "none"
    return "all retried" if retried == len(failed) else f"{retried:,} retried"


def describe_cost(cost: Decimal | None, unpriced: int, currency: str) -> str:
    """A cost; None is unknown where there are calls without a price."""
    if cost is None:
        return "no price" if unpriced else DASH
    if 0 < cost < SMALLEST:
        return f"<{currency_symbol(currency)}{SMALLEST}"
    if 0 < cost < 1:  # most traces cost a few cents
        return f"{currency_symbol(currency)}{cost:.4f}"
    return format_money(cost, currency)


def describe_models(models: Sequence[str]) -> str:
    """The first of several models, and how many more there are."""
    rest = len(models) - MOST_MODELS
    return ", ".join(models[:MOST_MODELS]) + (f" +{rest}" if rest > 0 else "")


def describe_kinds(waterfall: Waterfall) -> str:
    """The numbers of spans of the kinds that matter: `7 LLM, 4 tool`."""
    counts = {
        kind: sum(node.span.kind == kind for node in waterfall.nodes) for kind in ("llm", "tool", "retrieval")
    }
    names = {"llm": "LLM", "tool": "tool", "retrieval": "retrieval"}
    return ", ".join(f"{count:,} {names[kind]}" for kind, count in counts.items() if count)


def list_token_classes(span: StoredSpan) -> list[tuple[str, str]]:
    """The tokens of a call by class, which add up to all of them, and reasoning within the output."""
    fresh = max(span.input_tokens - span.cached_input_tokens - span.cache_write_tokens, 0)
    classes = [
        ("Input", fresh),
        ("Cache read", span.cached_input_tokens),
        ("Cache write", span.cache_write_tokens),
        ("Output", span.output_tokens),
        ("Reasoning, within output", span.reasoning_tokens),
    ]
    named = [(name, f"{count:,}") for name, count in classes if count]
    return [*named, ("Total", format_count(span.tokens))] if named else []
