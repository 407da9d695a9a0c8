"""OpenTelemetry in files: each request counts once, whoever tells of it and however often."""

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.core.records import CostRecord, request_identity
from tally.importers import Options, Parsed, find_importer, identify, read_table
from tests.every_case import every_case
from tests.tally.importers.golden import load_sample

LINES = load_sample("otlp")[1].splitlines()
AT = "1789376400000000000"


def parse(content: bytes, filename: str = "telemetry.jsonl") -> Parsed:
    table = read_table(content, filename)
    assert identify(table) is find_importer("otlp")
    return find_importer("otlp").parse(table, Options())


def typed(value: object) -> dict[str, object]:
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def span(span_id: str, attributes: dict[str, Any], parent: str = "", **more: Any) -> dict[str, Any]:
    listed = [{"key": key, "value": typed(value)} for key, value in attributes.items()]
    ids = {"traceId": "0a" * 16, "spanId": span_id * 8, "parentSpanId": parent * 8}
    return ids | {"name": "chat", "endTimeUnixNano": AT, "attributes": listed} | more


def spans(*items: dict[str, Any], scope: str = "app") -> bytes:
    batch = {"resourceSpans": [{"scopeSpans": [{"scope": {"name": scope}, "spans": list(items)}]}]}
    return json.dumps(batch).encode() + b"\n"


def usage(**more: Any) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5.4",
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 100,
    } | {key.replace("__", "."): value for key, value in more.items()}


def only(content: bytes) -> CostRecord:
    parsed = parse(content)
    assert parsed.rejected == []
    [record] = parsed.records
    return record


# What the fake provider served: 1,200 tokens in (1,000 cached) and 50 out, or 15,912 in and 340 out.
@every_case(
    [
        (0, 1, (15_912, 340, 15_000, 900), {"anthropic"}),  # Claude Code
        (1, 1, (1_200, 50, 1_000, 0), {"openai"}),  # Codex, whose spans repeat its logs
        (2, 1, (1_500, 120, 500, 0), {"google"}),  # Gemini CLI, thoughts beside output
        (3, 1, (1_200, 50, 1_000, 0), {"openai"}),  # Copilot CLI with a key of its own
        (4, 5, (17_349, 405, 16_100, 900), {"openai", "anthropic", "other"}),  # AI SDK
        (5, 5, (17_349, 405, 16_100, 900), {"openai", "anthropic", "other"}),
        (6, 5, (19_519, 490, 18_000, 900), {"openai", "anthropic"}),  # one request told in two traces
        (7, 1, (1_200, 50, 1_000, 0), {"openai"}),  # a span of a request inside another one
        (8, 5, (18_329, 460, 0, 0), {"openai", "anthropic"}),  # LiteLLM tells of no caches
        (9, 2, (16_212, 390, 16_000, 0), {"openai", "anthropic"}),  # Langfuse
        (10, 4, (17_215, 404, 16_000, 900), {"openai", "anthropic", "other"}),  # pydantic-ai
    ]
)
def test_requests_of_real_clients_count_once(
    sender: int, requests: int, tokens: tuple[int, ...], providers: set[str]
) -> None:
    parsed = parse(LINES[sender])
    counted = (
        sum(record.input_tokens for record in parsed.records),
        sum(record.output_tokens for record in parsed.records),
        sum(record.cached_input_tokens for record in parsed.records),
        sum(record.cache_write_tokens for record in parsed.records),
    )
    assert (len(parsed.records), counted) == (requests, tokens)
    assert {record.provider for record in parsed.records} == providers
    assert "secret" not in repr(parsed)


@given(st.permutations(LINES), st.integers(0, 3))
def test_neither_order_nor_resending_changes_what_is_counted(lines: Sequence[bytes], again: int) -> None:
    shuffled = parse(b"\n".join([*lines, *lines[:again]]))
    assert {record.source_key: record for record in shuffled.records} == records_in_order()


@cache
def records_in_order() -> dict[UUID, CostRecord]:
    return {record.source_key: record for record in parse(b"\n".join(LINES)).records}


def test_sums_around_requests_are_left_out_and_counted() -> None:
    whole = usage(gen_ai__operation__name="invoke_agent")
    parsed = parse(spans(span("0b", whole), span("0c", usage(), "0b"), span("0d", {"http.method": "GET"})))
    assert [record.input_tokens for record in parsed.records] == [1_000]
    assert parsed.skipped == {
        "of spans and logs that repeat the usage of their requests": 1,
        "of spans and logs that are no requests to a model": 1,
    }


def test_innermost_of_nested_requests_counts_with_gaps_between_them() -> None:
    between = span("0c", {}, "0b", name="http")
    record = only(
        spans(span("0b", usage()), between, span("0d", usage(gen_ai__response__id="chatcmpl-1"), "0c"))
    )
    assert record.request_id == "chatcmpl-1"


def test_span_inside_itself_counts() -> None:
    assert only(spans(span("0b", usage(), "0b"))).input_tokens == 1_000


def test_spans_inside_each_other_count_each_as_when_they_are_sent() -> None:
    circle = [span(one, usage(), parent) for one, parent in (("0b", "0c"), ("0c", "0d"), ("0d", "0b"))]
    assert [record.input_tokens for record in parse(spans(*circle)).records] == [1_000] * 3


def test_response_has_one_identity_in_all_sources() -> None:
    first = spans(span("0b", usage(gen_ai__response__id="chatcmpl-1")))
    second = spans(
        span(
            "0c",
            usage(gen_ai__response__id="chatcmpl-1", gen_ai__usage__cache_read__input_tokens=400),
            traceId="0b" * 16,
        )
    )
    record = only(second + first)
    assert record.source_key == request_identity("chatcmpl-1")
    assert (record.input_tokens, record.cached_input_tokens) == (1_000, 400)
    assert record.collection_method == "otlp"


@every_case(
    [
        ({"gen_ai__provider__name": "azure.ai.openai"}, "azure"),
        ({"gen_ai__provider__name": "openai.chat"}, "openai"),
        (
            {"gen_ai__provider__name": "google.vertex.chat", "gen_ai__request__model": "gemini-2.5-pro"},
            "google",
        ),
        (
            {"gen_ai__provider__name": "aws.bedrock", "gen_ai__request__model": "us.amazon.nova-pro-v1:0"},
            "aws-bedrock",
        ),
        ({"server__address": "openrouter.ai"}, "openrouter"),
        ({"server__address": "garden.openai.azure.com"}, "azure"),
        ({"gen_ai__request__model": "qwen3:8b"}, "local"),
        ({"gen_ai__response__id": "msg_vrtx_01", "gen_ai__request__model": "claude-sonnet-4-5"}, "google"),
        ({"gen_ai__provider__name": "acme", "gen_ai__request__model": "engine-9000"}, "other"),
    ]
)
def test_payee_follows_the_evidence(attributes: dict[str, str], provider: str) -> None:
    assert only(spans(span("0b", usage(**attributes)))).provider == provider


@every_case(
    [
        ({}, (1_000 * Decimal("2.5") + 100 * 15) / 1_000_000),
        (
            {"gen_ai__openai__response__service_tier": "flex"},
            (1_000 * Decimal("1.25") + 100 * Decimal("7.5")) / 1_000_000,
        ),
        ({"gen_ai__usage__cost": "0.5"}, Decimal("0.5")),
        ({"gen_ai__usage__cost": "0"}, (1_000 * Decimal("2.5") + 100 * 15) / 1_000_000),
    ]
)
def test_cost_is_the_senders_or_the_list_price(attributes: dict[str, str], cost: Decimal) -> None:
    assert only(spans(span("0b", usage(**attributes)))).cost_usd == cost


def test_comma_in_one_cost_does_not_change_the_others() -> None:
    costs = (span("0b", usage(gen_ai__usage__cost="1.234")), span("0c", usage(gen_ai__usage__cost="0,5")))
    parsed = parse(spans(*costs))
    assert [record.cost_usd for record in parsed.records] == [Decimal("1.234")]
    assert [row.reason for row in parsed.rejected] == ['The cost "0,5" is not a number.']


def test_request_that_tells_its_cache_only_counts() -> None:
    told = {"gen_ai.request.model": "claude-sonnet-4-5", "gen_ai.usage.cache_read.input_tokens": 5_000}
    record = only(spans(span("0b", told)))
    assert (record.input_tokens, record.cached_input_tokens) == (5_000, 5_000)
    assert record.cost_usd == 5_000 * Decimal("0.3") / 1_000_000


@pytest.mark.parametrize("details", ["{oops", "{}", "[1]"])
def test_details_that_cannot_be_read_are_no_free_request(details: str) -> None:
    told = {"gen_ai.request.model": "gpt-5.4", "langfuse.observation.usage_details": details}
    parsed = parse(spans(span("0b", told)))
    assert parsed.records == []
    assert parsed.skipped == {"of requests that tell no usage": 1}
    assert only(spans(span("0b", usage() | told))).input_tokens == 1_000


def test_input_beside_caches_includes_them() -> None:
    cached = usage(
        gen_ai__usage__cache_read__input_tokens=9_000, gen_ai__usage__cache_creation__input_tokens=500
    )
    record = only(spans(span("0b", cached)))
    assert (record.input_tokens, record.cached_input_tokens, record.cache_write_tokens) == (
        10_500,
        9_000,
        500,
    )


def test_plan_of_a_coding_agent_includes_its_requests() -> None:
    def event(auth_mode: str) -> bytes:
        told = {
            "event.name": "codex.sse_event",
            "input_token_count": "1000",
            "output_token_count": "100",
            "model": "gpt-5.4",
            "auth_mode": auth_mode,
            "conversation.id": "c-1",
        }
        record = {"timeUnixNano": "0", "observedTimeUnixNano": AT, "body": {}, "attributes": told}
        return json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()

    plan, key = only(event("Chatgpt")), only(event("ApiKey"))
    assert (plan.provider, plan.cost_basis) == ("chatgpt", "included")
    assert (key.provider, key.cost_basis) == ("openai", "estimated")
    assert plan.timestamp.isoformat() == "2026-09-14T09:00:00+00:00"


@pytest.mark.parametrize(
    "line",
    [
        {
            "traceId": "0a" * 16,
            "spanId": "0b" * 8,
            "name": "chat",
            "attributes": usage(),
            "endTimeUnixNano": AT,
        },
        {
            "traceId": "0a" * 16,
            "spanId": "0b" * 8,
            "name": "chat",
            "attributes": usage(),
            "endTime": [1789376400, 0],
        },
        {
            "name": "chat",
            "context": {"trace_id": "0x" + "0a" * 16, "span_id": "0x" + "0b" * 8},
            "attributes": usage(),
            "end_time": "2026-09-14T09:00:00.000000Z",
            "resource": {"attributes": {"service.name": "garden"}},
        },
    ],
)
def test_single_spans_of_exporters_are_read_like_those_of_a_batch(line: dict[str, Any]) -> None:
    record, in_batch = only(json.dumps(line).encode()), only(spans(span("0b", usage())))
    assert (record.source_key, record.timestamp) == (in_batch.source_key, in_batch.timestamp)
    assert (record.cost_usd, record.tokens_used) == (in_batch.cost_usd, 1_100)


def test_unknown_spellings_of_counts_are_counted_and_said() -> None:
    parsed = parse(spans(span("0b", {"gen_ai.request.model": "gpt-5.4", "acme.input_tokens": 5})))
    assert parsed.records == []
    assert parsed.skipped == {"of a shape that Tally does not know": 1}


@every_case([(count,) for count in ["-5", "1.5", str(2**70), "many"]])
def test_impossible_counts_are_rejected(count: str) -> None:
    parsed = parse(spans(span("0b", usage(gen_ai__usage__input_tokens=count))))
    assert (parsed.records, len(parsed.rejected)) == ([], 1)


def test_span_without_a_time_is_rejected() -> None:
    parsed = parse(spans(span("0b", usage(), endTimeUnixNano="0")))
    assert [row.reason for row in parsed.rejected] == ['Its time "" is missing.']
