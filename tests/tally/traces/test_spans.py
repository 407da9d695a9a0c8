"""Spans as they are stored: kinds, outcomes, and nothing of what prompts and exceptions say."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tally.telemetry.calls import Call
from tally.telemetry.signals import Decoded, Span, SpanEvent
from tally.traces.opened_files import describe_all
from tally.traces.spans import describe_span, find_kind, find_outcome
from tally.traces.waterfall import build_waterfall
from tests.every_case import every_case
from tests.tally.telemetry.captures import expected, load

START = datetime(2026, 11, 1, tzinfo=UTC)


def span(attributes: dict[str, Any] | None = None, **changes: Any) -> Span:
    """A span of two seconds."""
    found = Span(
        trace_id="a" * 32,
        span_id="b" * 16,
        parent_span_id="",
        name="chat",
        kind=3,
        start=START,
        end=START + timedelta(seconds=2),
        status="unset",
        status_message="",
        scope="openai",
        attributes=attributes or {},
        resource={"service.name": "shop", "process.command_args": "--secret"},
    )
    return replace(found, **changes)


@every_case(
    [
        ({"openinference.span.kind": "LLM"}, "llm"),
        ({"openinference.span.kind": "RETRIEVER"}, "retrieval"),
        ({"gen_ai.operation.name": "execute_tool"}, "tool"),
        ({"gen_ai.operation.name": "invoke_agent"}, "agent"),
        ({"langfuse.observation.type": "generation"}, "llm"),
        ({"traceloop.span.kind": "workflow"}, "agent"),
        ({"ai.operationId": "ai.toolCall"}, "tool"),
        ({"db.system": "postgresql"}, "db"),
        ({"http.request.method": "POST"}, "http"),
        ({"gen_ai.operation.name": ["odd"]}, "internal"),
        ({}, "internal"),
    ]
)
def test_kind_is_read_in_every_vocabulary(attributes: dict[str, Any], kind: str) -> None:
    assert find_kind(span(attributes)) == kind


@every_case(
    [
        (span({"error.type": "429"}, status="error"), ("rate_limited", "429")),
        (span({"error.type": "TimeoutError"}, status="error"), ("timeout", "TimeoutError")),
        (span({"http.response.status_code": 500}, status="error"), ("error", "500")),
        (span({"error.type": "odd"}), ("ok", "")),
        (span(status="error", status_message="Deadline exceeded: my secret"), ("timeout", "")),
    ]
)
def test_outcome_is_a_word_and_never_a_message(failed: Span, outcome: tuple[str, str]) -> None:
    assert find_outcome(failed) == outcome


def test_exception_is_named_without_its_message() -> None:
    event = SpanEvent("exception", START, {"exception.type": "ValueError", "exception.message": "secret"})
    stored = describe_span(span(status="error", events=(event,)))
    assert (stored.status, stored.error) == ("error", "ValueError")
    assert "secret" not in repr(stored)


def test_a_call_brings_its_tokens_and_its_price() -> None:
    call = Call(START, "openai", "gpt-5", ("resp_1",), 2_000, 400, 100, 10, 40, person="ann", tags={"t": "x"})
    stored = describe_span(span(), call, Decimal("0.5"))
    assert (stored.kind, stored.is_call, stored.request_id, stored.tokens) == ("llm", True, "resp_1", 110)
    assert (stored.cost_usd, stored.first_token_us, stored.duration_us) == (
        Decimal("0.5"),
        400_000,
        2_000_000,
    )
    assert (stored.service, stored.person, stored.tags) == ("shop", "ann", {"t": "x"})
    assert stored.resource == {"service.name": "shop"}


def test_texts_that_cannot_be_stored_are_cleaned() -> None:
    odd = span({"session.id": "s\x00\ud800" + "x" * 999}, name="\x00", end=START - timedelta(seconds=1))
    stored = describe_span(odd)
    assert (stored.name, stored.duration_us, len(stored.session)) == ("(unnamed)", 0, 198)
    assert stored.session.startswith("sx")


@pytest.mark.parametrize(
    ("attributes", "resource"),
    [
        ({"session.id": "s1", "gen_ai.conversation.id": "c1", "enduser.id": "customer"}, {}),
        ({"thread.id": "t1", "user.id": "ann", "agent.name": "buyer"}, {}),
        ({}, {"session.id": "s1", "user.id": "ann"}),
    ],
)
def test_step_belongs_to_the_session_and_the_person_of_calls_beside_it(
    attributes: dict[str, Any], resource: dict[str, Any]
) -> None:
    usage = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 10}
    step, call = describe_all(
        Decoded([span(attributes, resource=resource), span(attributes | usage, resource=resource)])
    )
    assert (step.is_call, call.is_call) == (False, True)
    assert (step.session, step.person, step.agent) == (call.session, call.person, call.agent)
    assert step.session


@every_case([(error,) for error in ["429", "408", "504", "RESOURCE_EXHAUSTED", "500"]])
def test_step_fails_as_a_call_with_the_same_error_does(error: str) -> None:
    failed, usage = {"error.type": error}, {"gen_ai.operation.name": "chat"}
    step, call = describe_all(Decoded([span(failed, status="error"), span(failed | usage, status="error")]))
    assert (step.is_call, call.is_call) == (False, True)
    assert (step.status, step.error) == (call.status, error)


def test_call_of_an_opened_file_that_no_record_can_hold_is_a_step() -> None:
    usage = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5",
    }
    vast = span(usage | {"gen_ai.usage.input_tokens": 10**15}, span_id="c" * 16)
    counted = span(usage | {"gen_ai.usage.input_tokens": 1_000})
    first, second = describe_all(Decoded([vast, counted]))
    assert (first.span_id, first.is_call, first.tokens, first.cost_usd) == ("c" * 16, False, 0, None)
    assert (second.is_call, second.cost_usd) == (True, Decimal("0.00125"))


@pytest.mark.parametrize("name", ["node-ai7-json", "py-pydantic-ai", "py-openai-agents-openinference"])
def test_waterfalls_of_real_clients_count_each_call_once(name: str) -> None:
    traces: dict[str, list[Any]] = {}
    for request in load(name):
        if request.signal == "traces":
            for one in describe_all(request.decode()):
                traces.setdefault(one.trace_id, []).append(one)
    roots = [root for spans in traces.values() for root in build_waterfall(spans).roots]
    calls = expected(name)["calls"]
    assert sum(root.tokens for root in roots) == sum(call["input"] + call["output"] for call in calls)
