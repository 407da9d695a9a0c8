"""Answers of models' APIs that were saved as JSON: one request each, at the tokens that each maker counts."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tally.core.records import CostRecord, request_identity
from tally.importers import Options, Parsed, find_importer, identify, read_table
from tests.every_case import every_case

CREATED = 1789376400  # 2026-09-14 09:00 UTC
CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": CREATED,
    "model": "gpt-5.4-2026-03-05",
    "choices": [{"message": {"role": "assistant", "content": "my secret answer"}}],
    "usage": {
        "prompt_tokens": 1_000,
        "completion_tokens": 100,
        "total_tokens": 1_100,
        "prompt_tokens_details": {"cached_tokens": 400},
        "completion_tokens_details": {"reasoning_tokens": 60},
    },
    "service_tier": "default",
}
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": CREATED,
    "status": "completed",
    "model": "gpt-5.4",
    "output": [],
    "usage": {
        "input_tokens": 1_000,
        "input_tokens_details": {"cached_tokens": 400},
        "output_tokens": 100,
        "output_tokens_details": {"reasoning_tokens": 60},
        "total_tokens": 1_100,
    },
}
MESSAGE: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [{"type": "text", "text": "my secret answer"}],
    "usage": {
        "input_tokens": 10,
        "cache_creation_input_tokens": 900,
        "cache_read_input_tokens": 2_000,
        "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 300},
        "output_tokens": 100,
        "service_tier": "standard",
    },
}
GEMINI: dict[str, Any] = {
    "candidates": [{"content": {"parts": [{"text": "my secret answer"}]}}],
    "modelVersion": "gemini-2.5-pro",
    "responseId": "r-1",
    "createTime": "2026-09-14T09:00:00.500Z",
    "usageMetadata": {
        "promptTokenCount": 1_000,
        "cachedContentTokenCount": 400,
        "candidatesTokenCount": 100,
        "thoughtsTokenCount": 60,
        "toolUsePromptTokenCount": 30,
        "totalTokenCount": 1_190,
    },
}
GPT_USD = (600 * Decimal("2.5") + 400 * Decimal("0.25") + 100 * 15) / 1_000_000
CLAUDE_USD = (10 * 3 + 600 * Decimal("3.75") + 300 * 6 + 2_000 * Decimal("0.3") + 1_500) / 1_000_000
GEMINI_USD = (630 * Decimal("1.25") + 400 * Decimal("0.125") + 160 * 10) / 1_000_000


def parse(*answers: object, is_lines: bool = False, importer: str = "saved_answers") -> Parsed:
    lines = "\n".join(json.dumps(answer, indent=None if is_lines else 1) for answer in answers)
    table = read_table(lines.encode(), "answers.jsonl" if is_lines else "answer.json")
    assert identify(table) is find_importer(importer)
    return find_importer(importer).parse(table, Options())


def only(answer: object, **options: Any) -> CostRecord:
    parsed = parse(answer, **options)
    assert parsed.rejected == []
    [record] = parsed.records
    return record


@pytest.mark.parametrize(
    ("answer", "provider", "model", "tokens", "usd"),
    [
        (CHAT, "openai", "gpt-5.4", (1_000, 100, 400, 0, 60), GPT_USD),
        (RESPONSE, "openai", "gpt-5.4", (1_000, 100, 400, 0, 60), GPT_USD),
        (
            MESSAGE | {"created_at": "2026-09-14T09:00:00Z"},
            "anthropic",
            "claude-sonnet-4-5",
            (2_910, 100, 2_000, 900, 0),
            CLAUDE_USD,
        ),
        (GEMINI, "google", "gemini-2.5-pro", (1_030, 160, 400, 0, 60), GEMINI_USD),
    ],
)
@pytest.mark.parametrize("shape", ["alone", "in lines", "in an array"])
def test_answer_is_one_estimated_request(
    answer: dict[str, Any], provider: str, model: str, tokens: tuple[int, ...], usd: Decimal, shape: str
) -> None:
    record = only([answer] if shape == "in an array" else answer, is_lines=shape == "in lines")
    assert (record.provider, record.model_name, record.cost_usd) == (provider, model, usd)
    assert (record.cost_basis, record.request_count) == ("estimated", 1)
    counted = (
        record.input_tokens,
        record.output_tokens,
        record.cached_input_tokens,
        record.cache_write_tokens,
    )
    assert (*counted, record.reasoning_tokens) == tokens
    assert record.timestamp.isoformat().startswith("2026-09-14T09:00:00")
    assert "secret" not in repr(record)


def test_answer_has_the_identity_of_its_request_in_other_sources() -> None:
    parsed = parse(CHAT, CHAT, RESPONSE, is_lines=True)
    assert [record.source_key for record in parsed.records] == [
        request_identity("chatcmpl-1"),
        request_identity("resp_1"),
    ]
    assert parsed.rows_merged == 1


@pytest.mark.parametrize("answer", [MESSAGE, {key: GEMINI[key] for key in GEMINI if key != "createTime"}])
def test_answer_without_a_date_is_rejected_with_advice(answer: dict[str, Any]) -> None:
    parsed = parse(answer)
    assert parsed.records == []
    assert [row.reason for row in parsed.rejected] == [
        'Its date "" is missing; write "created_at" with its time into it, such as "2026-11-02T10:00:00Z", '
        "or import the provider's usage export."
    ]


def test_date_beside_an_answer_in_a_line_of_a_log_is_used() -> None:
    record = only({"timestamp": "2026-09-13T23:30:00-02:00", "response": MESSAGE}, is_lines=True)
    assert record.timestamp.isoformat() == "2026-09-14T01:30:00+00:00"


@pytest.mark.parametrize(
    "line",
    [
        {
            "id": "batch_req_1",
            "custom_id": "a",
            "response": {"status_code": 200, "body": CHAT},
            "error": None,
        },
        {"custom_id": "a", "result": {"type": "succeeded", "message": MESSAGE}, "created_at": CREATED},
    ],
)
def test_results_of_a_batch_cost_half(line: dict[str, Any]) -> None:
    record = only(line, is_lines=True)
    whole = CLAUDE_USD if record.provider == "anthropic" else GPT_USD
    # The list rounds the price of gpt-5.4's cached input in batches up to $0.13.
    rounded = 400 * Decimal("0.005") / 1_000_000 if record.provider == "openai" else 0
    assert record.cost_usd == whole / 2 + rounded
    assert record.metadata["price_context"] == {"processing": "batch"}


def test_key_beside_another_makers_answer_is_no_batch() -> None:
    record = only({"timestamp": "2026-09-14T09:00:00Z", "key": "prod", "response": CHAT}, is_lines=True)
    assert record.cost_usd == GPT_USD
    gemini = only({"key": "request-1", "response": GEMINI}, is_lines=True)
    assert gemini.metadata["price_context"] == {"processing": "batch"}


@pytest.mark.parametrize(
    "cost", [0.00633, {"request_cost": 0.006, "total_cost": 0.00633}, {"request_cost": 1}]
)
def test_cost_that_an_answer_tells_goes_before_the_list_price(cost: object) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
    told, listed = (
        only(CHAT | {"id": "1", "model": "sonar-pro", "usage": usage | more}) for more in ({"cost": cost}, {})
    )
    assert told.provider == "perplexity"
    has_total = not isinstance(cost, dict) or "total_cost" in cost
    assert told.cost_usd == (Decimal("0.00633") if has_total else listed.cost_usd)


def test_comma_in_one_answer_does_not_change_the_amounts_of_others() -> None:
    costs = [
        CHAT | {"id": str(place), "usage": CHAT["usage"] | {"cost": cost}}
        for place, cost in enumerate([1.234, "0,5"])
    ]
    parsed = parse(*costs, is_lines=True)
    assert [record.cost_usd for record in parsed.records] == [Decimal("1.234")]
    assert [row.reason for row in parsed.rejected] == ['The cost "0,5" is not a number.']


@every_case(
    [
        (
            {
                "model": "deepseek-chat",
                "usage": {"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 4},
            },
            "deepseek",
            5,
        ),
        (
            {
                "model": "grok-4",
                "usage": {
                    "prompt_tokens": 32,
                    "completion_tokens": 9,
                    "total_tokens": 135,
                    "completion_tokens_details": {"reasoning_tokens": 94},
                },
            },
            "xai",
            103,
        ),
        ({"model": "llama3.2", "system_fingerprint": "fp_ollama"}, "local", 100),
        ({"prompt_filter_results": []}, "azure", 100),
        ({"id": "gen-1", "model": "openai/gpt-5.4"}, "openrouter", 100),
    ]
)
def test_others_that_speak_openais_protocol_are_told_apart(
    changed: dict[str, Any], provider: str, output: int
) -> None:
    record = only(CHAT | changed)
    assert (record.provider, record.output_tokens) == (provider, output)


def test_unknown_tier_is_noted_and_flex_has_its_price() -> None:
    assert (
        only(CHAT | {"service_tier": "scale"}).metadata["price_note"]
        == "standard price: none is known for scale"
    )
    flex = only(RESPONSE | {"service_tier": "flex", "usage": {"input_tokens": 1_000, "output_tokens": 100}})
    assert flex.cost_usd == (1_000 * Decimal("1.25") + 100 * Decimal("7.5")) / 1_000_000


def test_cost_in_the_answer_is_kept() -> None:
    record = only(CHAT | {"id": "gen-1", "usage": CHAT["usage"] | {"cost": 0.0123}})
    assert (record.cost_usd, record.cost_basis) == (Decimal("0.0123"), "estimated")


def test_answers_without_usage_are_skipped_and_counted() -> None:
    chunk = {key: CHAT[key] for key in CHAT if key != "usage"} | {"object": "chat.completion.chunk"}
    parsed = parse(chunk, chunk, CHAT, is_lines=True)
    assert ([record.input_tokens for record in parsed.records], parsed.skipped) == (
        [1_000],
        {"of answers without usage": 2},
    )


@every_case([(count,) for count in [-5, 1.5, 2**70, "many"]])
def test_impossible_counts_are_rejected(count: object) -> None:
    for answer in (
        CHAT | {"usage": {"prompt_tokens": count}},
        GEMINI | {"usageMetadata": {"promptTokenCount": count}},
    ):
        parsed = parse(answer)
        assert (parsed.records, len(parsed.rejected)) == ([], 1)


def test_openrouters_statement_about_a_generation_is_billed_like_its_activity() -> None:
    generation = {
        "id": "gen-1",
        "created_at": "2026-09-14T09:00:00Z",
        "model": "openai/gpt-5.4",
        "total_cost": 0.02,
        "tokens_prompt": 900,
        "native_tokens_prompt": 1_000,
        "native_tokens_completion": 100,
        "native_tokens_cached": 400,
        "native_tokens_reasoning": 60,
    }
    record = only({"data": generation}, importer="openrouter")
    assert (record.cost_usd, record.cost_basis, record.provider) == (Decimal("0.02"), "billed", "openrouter")
    assert (record.input_tokens, record.cached_input_tokens) == (1_000, 400)
    assert record.source_key == request_identity("gen-1")
