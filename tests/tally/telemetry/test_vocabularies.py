"""Vocabularies: as conventions, SDKs and agents write them, beyond what the captures have."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.telemetry.calls import Call
from tally.telemetry.counting import choose_calls
from tally.telemetry.decoding import decode_logs, decode_traces
from tally.telemetry.vocabularies import ReadCalls, keys, read_calls
from tally.telemetry.vocabularies.told import Told, gather, read_list, read_object
from tests.every_case import every_case
from tests.tally.telemetry.otlp import as_json, as_protobuf, log, logs, span, traces

CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.usage.input_tokens": 15_912,
    "gen_ai.usage.output_tokens": 340,
}


def read(attributes: dict[str, Any], scope: str = "lib", service: str = "shop", **fields: Any) -> ReadCalls:
    request = traces(span(attributes=attributes, **fields), scope=scope, **{"service.name": service})
    found = read_calls(decode_traces(as_json(request), is_json=True))
    assert read_calls(decode_traces(as_protobuf(request), is_json=False)) == found
    return found


def read_one(attributes: dict[str, Any], scope: str = "lib", service: str = "shop", **fields: Any) -> Call:
    found = read(attributes, scope, service, **fields)
    assert found.rejected == []
    (call,) = found.calls
    return call


def read_event(attributes: dict[str, Any], scope: str = "events", **fields: Any) -> list[Call]:
    found = read_calls(decode_logs(as_json(logs(log(attributes, **fields), scope=scope)), is_json=True))
    assert found.rejected == []
    return found.calls


def tokens(call: Call) -> tuple[int, int, int, int, int, int]:
    return (
        call.input_tokens,
        call.output_tokens,
        call.cached_input_tokens,
        call.cache_write_tokens,
        call.cache_write_1h_tokens,
        call.reasoning_tokens,
    )


SPELLINGS = {
    "new": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.reasoning.output_tokens",
    ),
    "creation": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.reasoning_tokens",
    ),
    "old": (
        "gen_ai.usage.prompt_tokens",
        "gen_ai.usage.completion_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.reasoning_tokens",
    ),
    "pydantic-ai": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.details.cache_read_tokens",
        "gen_ai.usage.details.cache_write_tokens",
        "gen_ai.usage.details.reasoning_tokens",
    ),
    "Sentry": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.input_tokens.cached",
        "gen_ai.usage.input_tokens.cache_write",
        "gen_ai.usage.output_tokens.reasoning",
    ),
    "OpenInference": (
        "llm.token_count.prompt",
        "llm.token_count.completion",
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_write",
        "llm.token_count.completion_details.reasoning",
    ),
    "AI SDK": (
        "ai.usage.inputTokens",
        "ai.usage.outputTokens",
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.inputTokenDetails.cacheWriteTokens",
        "ai.usage.outputTokenDetails.reasoningTokens",
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("kind", [int, str, float])
def test_tokens_by_class_are_read_in_every_spelling(spelling: str, kind: type) -> None:
    counts = map(kind, (15_912, 340, 15_000, 900, 20))
    call = read_one(dict(zip(SPELLINGS[spelling], counts, strict=True)))
    assert tokens(call) == (15_912, 340, 15_000, 900, 0, 20)
    assert call.has_usage
    assert call.has_cache_detail


def test_input_beside_its_cache_is_added_up() -> None:
    """Some SDKs leave cached tokens out of the input."""
    cache = {"gen_ai.usage.cache_read.input_tokens": 15_000, "gen_ai.usage.cache_write.input_tokens": 900}
    assert tokens(read_one(CHAT | {"gen_ai.usage.input_tokens": 12} | cache))[0] == 15_912


@every_case(
    [
        (aggregate,)
        for aggregate in [
            *(
                {"gen_ai.operation.name": each}
                for each in ("invoke_agent", "create_agent", "agent_step", "plan")
            ),
            *(
                {"gen_ai.operation.name": each}
                for each in ("invoke_workflow", "execute_tool", "Invoke_Agent")
            ),
            *(
                {"openinference.span.kind": each}
                for each in ("AGENT", "CHAIN", "TOOL", "RETRIEVER", "GUARDRAIL")
            ),
            *({"ai.operationId": each} for each in ("ai.generateText", "ai.streamText", "ai.embedMany")),
            *({"traceloop.span.kind": each} for each in ("workflow", "task", "agent", "tool")),
            *({"langfuse.observation.type": each} for each in ("span", "agent", "event", "tool")),
            {"langsmith.span.kind": "chain"},
            {"gen_ai.aggregated_usage.input_tokens": 15_912},
        ]
    ]
)
def test_sums_of_calls_are_no_calls(aggregate: dict[str, Any]) -> None:
    assert read({**CHAT, "gen_ai.operation.name": "chat"} | aggregate) == ReadCalls([], [])


@every_case([(service,) for service in ["codex_exec", "codex_tui", "gemini-cli", "qwen-code"]])
def test_spans_of_agents_whose_logs_count_are_no_calls(service: str) -> None:
    assert read(CHAT, service=service) == ReadCalls([], [])


def test_other_spans_are_no_calls() -> None:
    for attributes in ({}, {"db.system.name": "sqlite"}, {"model": "x"}, {"http.response.status_code": 500}):
        assert read(attributes) == ReadCalls([], [])


@pytest.mark.parametrize("count", [-1, 10**18, "many", "-5", 1.5, 10**16])
@pytest.mark.parametrize("key", ["gen_ai.usage.input_tokens", "gen_ai.usage.cache_read.input_tokens"])
def test_count_that_cannot_be_is_refused_with_a_sentence(key: str, count: object) -> None:
    found = read(CHAT | {key: count}, name="chat of shop")
    (sentence,) = found.rejected
    assert found.calls == []
    assert sentence.startswith("The call in “chat of shop” was refused: its ")
    assert sentence.endswith("possible.")


def test_call_that_is_refused_leaves_the_others() -> None:
    bad = span(attributes=CHAT | {"gen_ai.usage.output_tokens": -1})
    found = read_calls(decode_traces(as_json(traces(bad, span("a" * 16, attributes=CHAT))), is_json=True))
    assert [call.span_id for call in found.calls] == ["a" * 16]
    assert len(found.rejected) == 1


@every_case(
    [
        ("anthropic", "claude-sonnet-4-5", "anthropic"),
        ("aws.bedrock", "anthropic.claude-sonnet-4-5-v1:0", "aws-bedrock"),
        ("azure.ai.openai", "gpt-4o", "azure"),
        ("azure.ai.inference", "gpt-4o", "azure"),
        ("az.ai.inference", "gpt-4o", "azure"),
        ("gcp.gemini", "gemini-2.5-pro", "google"),
        ("gcp.vertex_ai", "gemini-2.5-pro", "google"),
        ("gcp.gen_ai", "gemini-2.5-pro", "google"),
        ("mistral_ai", "mistral-large", "mistral"),
        ("moonshot_ai", "kimi-k2", "moonshot"),
        ("x_ai", "grok-4", "xai"),
        ("deepseek", "deepseek-chat", "deepseek"),
        ("groq", "llama-3.3-70b", "groq"),
        ("cohere", "command-r", "cohere"),
        ("perplexity", "sonar", "perplexity"),
        ("openai.chat", "gpt-4o", "openai"),
        ("anthropic.messages", "claude-sonnet-4-5", "anthropic"),
        ("google.generative-ai", "gemini-2.5-pro", "google"),
        ("ibm.watsonx.ai", "granite-4", "other"),
        ("", "gpt-4o", "openai"),
    ]
)
def test_provider_has_the_slug_of_the_catalogue(named: str, model: str, slug: str) -> None:
    assert read_one(CHAT | {"gen_ai.provider.name": named, "gen_ai.request.model": model}).provider == slug


def test_server_tells_who_is_paid() -> None:
    at = {"server.address": "openrouter.ai", "gen_ai.provider.name": "openai"}
    assert read_one(CHAT | at).provider == "openrouter"


def test_ids_that_an_instrument_invented_are_none() -> None:
    for invented in ("aitxt-KJ4JtDPgD5tde59r", "run-1b2c3d4e", "7", ""):
        assert read_one(CHAT | {"gen_ai.response.id": invented}).request_ids == ()


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(
                ["gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "tally.tag.x"]
            ),
            st.sampled_from(["a", "b", "", None, 7]),
        ),
        max_size=6,
    )
)
def test_items_of_one_shape_are_each_read_by_their_own_values(items: list[dict[str, Any]]) -> None:
    for item in items:
        models = [item[key] for key in keys.MODEL if item.get(key) not in (None, "")]
        assert gather(item) == ({"model": models[0]} if models else {})
        told = {"x": str(item["tally.tag.x"] or "")} if "tally.tag.x" in item else {}
        assert Told(item, {}).tags() == told


def test_model_of_the_response_goes_before_the_requests() -> None:
    assert read_one(CHAT | {"gen_ai.response.model": "claude-sonnet-4-5-20250929"}).model.endswith("20250929")


def test_claude_api_tells_both_ids_and_lifetimes() -> None:
    call = read_one(
        CHAT
        | {
            "gen_ai.provider.name": "anthropic",
            "gen_ai.response.id": "msg_00000001",
            "anthropic.request.id": "req_00000001",
            "gen_ai.usage.cache_read.input_tokens": 15_000,
            "anthropic.usage.cache_creation.ephemeral_5m_input_tokens": 600,
            "anthropic.usage.cache_creation.ephemeral_1h_input_tokens": 300,
        },
        scope="com.anthropic.claude-platform",
        service="claude-platform",
    )
    assert call.request_ids == ("msg_00000001", "req_00000001")
    assert tokens(call) == (15_912, 340, 15_000, 900, 300, 0)
    assert call.has_all_classes


def test_openrouter_is_paid_what_it_charged() -> None:
    call = read_one(
        CHAT
        | {
            "gen_ai.response.id": "gen-1795832410-abc",
            "gen_ai.usage.total_cost": 0.0125,
            "gen_ai.usage.output_tokens.reasoning": 20,
            "trace.metadata.openrouter.api_key_name": "web",
            "gen_ai.request.model": "anthropic/claude-sonnet-4.5",
        },
        service="openrouter",
    )
    assert (call.provider, call.reported_usd, call.key_name) == ("openrouter", Decimal("0.0125"), "web")
    assert call.reasoning_tokens == 20
    assert not call.has_all_classes


def test_langsmith_tells_classes_in_an_object() -> None:
    details = json.dumps({"cache_read": 15_000, "cache_creation": 900, "ephemeral_1h_input_tokens": 300})
    call = read_one(
        CHAT
        | {
            "langsmith.span.kind": "llm",
            "gen_ai.usage.input_token_details": details,
            "gen_ai.usage.output_token_details": '{"reasoning": 20}',
            "langsmith.trace.session_id": "s1",
        }
    )
    assert tokens(call) == (15_912, 340, 15_000, 900, 300, 20)
    assert call.session == "s1"


def test_langfuse_counts_parts_beside_each_other() -> None:
    usage = {
        "input": 12,
        "cache_read_input_tokens": 15_000,
        "cache_creation_input_tokens": 900,
        "output": 340,
    }
    call = read_one(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.model.name": "claude-sonnet-4-5",
            "langfuse.observation.usage_details": json.dumps(usage),
            "langfuse.observation.cost_details": '{"total": 0.01}',
            "langfuse.observation.completion_start_time": '"2026-11-28T02:20:10.500000+00:00"',
            "langfuse.observation.prompt.name": "support",
            "langfuse.observation.prompt.version": 3,
            "langfuse.session.id": "s1",
            "langfuse.user.id": "u1",
            "langfuse.trace.tags": '["red"]',
            "langfuse.trace.metadata.team": "blue",
        }
    )
    assert tokens(call) == (15_912, 340, 15_000, 900, 0, 0)
    assert (call.reported_usd, call.first_token_ms) == (Decimal("0.01"), 500)
    assert (call.session, call.person) == ("s1", "u1")
    assert (call.prompt_name, call.prompt_version) == ("support", "3")
    assert call.tags == {"red": "", "team": "blue"}


def test_langfuse_details_that_cannot_be_are_refused() -> None:
    of = {"langfuse.observation.type": "generation", "langfuse.observation.usage_details": '{"input": -3}'}
    assert len(read(of).rejected) == 1


def test_litellm_usage_that_is_no_python_is_left_aside() -> None:
    for usage in ("{", "{'a': __import__('os')}", "{1: 2}", "{'a': [" * 900):
        call = read_one(CHAT | {"metadata.usage_object": usage}, scope="litellm")
        assert (call.input_tokens, call.has_cache_detail) == (15_912, False)


def test_copilot_is_paid_by_its_plan_unless_it_calls_another_server() -> None:
    own = read_one(CHAT | {"server.address": "api.githubcopilot.com"}, scope="github.copilot")
    assert (own.provider, own.plan, own.agent) == ("github-copilot", "github-copilot", "copilot-cli")
    other = read_one(CHAT | {"server.address": "api.anthropic.com"}, scope="github.copilot")
    assert (other.provider, other.plan) == ("anthropic", "")


@every_case(
    [
        ({"error.type": "RateLimitError"}, "", "rate_limited"),
        ({"http.response.status_code": 429}, "", "rate_limited"),
        ({"error.type": "429"}, "", "rate_limited"),
        ({"error.type": "APIStatusError"}, "Error code: 429 - slow down", "rate_limited"),
        ({"error.type": "504"}, "", "timeout"),
        ({"error.type": "APITimeoutError"}, "", "timeout"),
        ({}, "Request timed out.", "timeout"),
        ({"http.response.status_code": 504}, "", "timeout"),
        ({"error.type": "BadRequestError"}, "", "error"),
        ({}, "", "error"),
    ]
)
def test_failed_call_has_its_status(attributes: dict[str, Any], message: str, status: str) -> None:
    failed = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
    call = read_one(failed | attributes, status={"code": 2, "message": message})
    assert (call.status, call.has_usage) == (status, False)


def test_program_tells_what_its_items_leave_out() -> None:
    request = traces(
        span(attributes=CHAT | {"session.id": "item"}),
        **{
            "session.id": "program",
            "project.name": "shop",
            "deployment.environment.name": "prod",
            "user.id": "u1",
            "team.id": "red",
            "host.name": "la",
        },
    )
    (call,) = read_calls(decode_traces(as_json(request), is_json=True)).calls
    assert (call.session, call.project, call.environment, call.person) == ("item", "shop", "prod", "u1")
    assert call.tags == {"team.id": "red"}
    assert call.service == "shop"


def test_tags_are_bounded() -> None:
    many = {f"tally.tag.{number}": "x" * 500 for number in range(200)}
    tags = read_one(CHAT | many).tags
    assert len(tags) == 20
    assert max(map(len, tags.values())) == 100


@every_case(
    [
        ("claude_code.api_error", "claude-code", ""),
        ("codex.api_request", "codex", "codex"),
        ("gemini_cli.api_error", "gemini-cli", "gemini-cli"),
        ("qwen-code.api_error", "qwen-code", "qwen-code"),
    ]
)
def test_failed_request_of_an_agent_is_a_call_without_usage(event: str, agent: str, channel: str) -> None:
    status_key = "http.response.status_code" if agent == "codex" else "status_code"
    (call,) = read_event({"event.name": event, "model": "gpt-5", status_key: "429", "session.id": "s1"})
    assert (call.status, call.has_usage, call.agent, call.channel) == ("rate_limited", False, agent, channel)


def test_plans_of_agents_are_told_by_how_they_are_signed_in() -> None:
    usage = {"model": "gpt-5-codex", "input_token_count": "1200", "output_token_count": "50"}
    (codex,) = read_event({"event.name": "codex.sse_event", "auth_mode": "Chatgpt"} | usage)
    (gemini,) = read_event({"event.name": "gemini_cli.api_response", "auth_type": "oauth-personal"} | usage)
    assert (codex.plan, gemini.plan) == ("chatgpt", "gemini-app")


def test_fast_request_of_claude_code_is_told() -> None:
    usage = {"model": "claude-opus-4-6", "input_tokens": 12, "output_tokens": 3, "speed": "fast"}
    scope = "com.anthropic.claude_code.events"
    (call,) = read_event({"event.name": "api_request", "request_id": "req_00000001"} | usage, scope)
    assert (call.speed, call.request_ids) == ("fast", ("req_00000001",))


def test_other_events_are_no_calls() -> None:
    for event in ("codex.user_prompt", "claude_code.tool_result", "gemini_cli.config", "x", ""):
        assert read_event({"event.name": event, "input_tokens": 12, "input_token_count": 12}) == []


def test_call_that_two_instruments_see_has_one_id() -> None:
    """OpenInference has the id within the response, the SDK's own span is in another trace."""
    usage = {"llm.token_count.prompt": 15_912, "llm.token_count.completion": 340}
    of_model = {"openinference.span.kind": "LLM", "llm.model_name": "claude-sonnet-4-5"}
    told = {"output.value": '{"id":"msg_00000001","content":[{"text":"Hello"}]}'}
    instrument = read_one(of_model | usage | told)
    of_sdk = read_one(CHAT | {"gen_ai.response.id": "msg_00000001"}, traceId="c" * 32, spanId="d" * 16)
    assert instrument.request_ids == of_sdk.request_ids == ("msg_00000001",)
    assert len(choose_calls([instrument, of_sdk], {}).counted) == 1


def test_objects_in_texts_can_be_stored() -> None:
    """PostgreSQL takes neither NUL nor halves of surrogate pairs."""
    assert read_object(r'{"a": "x\u0000", "b": "\uD83D\uDE42 \uD83D", "c": "\\u0000"}') == {
        "a": "x\N{REPLACEMENT CHARACTER}",
        "b": "🙂 \N{REPLACEMENT CHARACTER}",
        "c": r"\u0000",
    }
    assert read_list(r'["a\u0000"]') == ["a\N{REPLACEMENT CHARACTER}"]
