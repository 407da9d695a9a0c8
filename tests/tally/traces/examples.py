"""Traces for tests: one of an agent with retries, and large ones."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from tally.traces.stored_span import StoredSpan

MODELS = ("claude-sonnet-4-5", "gpt-5.2")


def span(
    trace: int, number: int, parent: int, start: float, seconds: float, name: str, **more: Any
) -> StoredSpan:
    """A span of a trace that began some time ago; times in seconds, a parent of 0 is none."""
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    began = minute - timedelta(minutes=20) - timedelta(seconds=37) * trace
    found = StoredSpan(
        f"{trace + 1:032x}",
        f"{number:016x}",
        f"{parent:016x}" if parent else "",
        began + timedelta(seconds=start),
        round(seconds * 1_000_000),
        name,
    )
    return replace(found, **more)


def call(
    trace: int, number: int, parent: int, start: float, seconds: float, name: str, **more: Any
) -> StoredSpan:
    """A call of a model."""
    facts = {
        "kind": "llm",
        "is_call": True,
        "provider": "anthropic",
        "model": MODELS[0],
        "input_tokens": 1_200,
        "output_tokens": 164,
        "cached_input_tokens": 600,
        "cost_usd": Decimal("0.0128"),
        "first_token_us": 610_000,
        "request_id": f"msg_{trace}_{number}",
    }
    return span(trace, number, parent, start, seconds, name, **facts | more)


def resolve_ticket(trace: int = 0, name: str = "resolve_ticket", **root: Any) -> list[StoredSpan]:
    """An agent that answers a ticket; two of its steps fail and are repeated."""
    facts = {"kind": "agent", "service": "support-agent", "session": "ticket-48213", "person": "Linus"}
    return [
        span(trace, 1, 0, 0, 18.42, name, **facts | root),
        call(trace, 2, 1, 0, 0.94, "classify_intent", model=MODELS[1], cost_usd=Decimal("0.0011")),
        span(trace, 3, 1, 1, 0.71, "retrieve_context", kind="retrieval"),
        call(trace, 4, 3, 1, 0.18, "embed_query", cost_usd=Decimal("0.000001"), output_tokens=0),
        span(trace, 5, 3, 1.2, 0.32, "search_policies", kind="db"),
        span(trace, 6, 1, 4.6, 6.06, "order_lookup", kind="agent"),
        span(trace, 7, 6, 4.6, 0.62, "get_order", kind="tool"),
        span(trace, 8, 6, 5.3, 3, "get_payments", kind="tool", status="timeout", error="TimeoutError"),
        span(trace, 9, 6, 8.5, 0.84, "get_payments", kind="tool"),
        span(trace, 10, 1, 10.7, 4.62, "check_refund_policy", kind="agent"),
        call(
            trace,
            11,
            10,
            11.1,
            0.21,
            "decide",
            status="rate_limited",
            error="429",
            cost_usd=None,
            input_tokens=0,
            output_tokens=0,
            cached_input_tokens=0,
        ),
        call(trace, 12, 10, 12.38, 2.94, "decide", prompt_name="refund-policy", prompt_version="7"),
        span(trace, 13, 1, 15.4, 0.71, "issue_refund", kind="http"),
        call(trace, 14, 1, 16.1, 2.28, "draft_reply", cost_usd=None),
    ]


def large(trace: int, spans: int) -> list[StoredSpan]:
    """A trace of many spans: steps of ten spans each, with two calls."""
    found = [span(trace, 1, 0, 0, spans * 0.1, "long_run", kind="agent", service="batch", session="night")]
    for number in range(2, spans + 1):
        step = number - number % 10
        make = call if number % 5 == 1 else span
        parent = 1 if number == step or step == 0 else step
        name = f"step {number // 10}" if number % 10 == 0 else f"part {number % 10}"
        found.append(make(trace, number, parent, number * 0.1, 0.4, name))
    return found
