"""LiteLLM's callback and its costs: unknown is not free, and cache writes keep their lifetime."""

import json
from decimal import Decimal
from typing import Any

from tally.core.records import CostRecord, request_identity
from tally.importers import Options, find_importer, identify, read_table
from tests.every_case import every_case

CLAUDE = "claude-sonnet-4-5-20250929"
LIST_PRICE = (1_000 * Decimal(3) + 100 * Decimal(15)) / 1_000_000


def payload(**changed: Any) -> dict[str, Any]:
    """What the `generic_api` callback sends about a request of 1,000 input and 100 output tokens."""
    sent: dict[str, Any] = {
        "id": "chatcmpl-1",
        "litellm_call_id": "c-1",
        "call_type": "acompletion",
        "status": "success",
        "response_cost": 0.01,
        "prompt_tokens": 1_000,
        "completion_tokens": 100,
        "startTime": 1789376400.5,
        "endTime": 1789376401.5,
        "model": CLAUDE,
        "custom_llm_provider": "anthropic",
        "cache_hit": None,
        "metadata": {},
        "messages": [{"role": "user", "content": "my secret question"}],
    }
    return sent | changed


def read(*payloads: dict[str, Any]) -> list[CostRecord]:
    table = read_table(json.dumps(payloads).encode(), "callback.json")
    assert identify(table) is find_importer("litellm")
    parsed = find_importer("litellm").parse(table, Options())
    assert parsed.rejected == []
    return parsed.records


def test_callback_is_read_like_the_log_and_without_its_prompts() -> None:
    [record] = read(payload())
    assert (record.cost_usd, record.cost_basis, record.provider) == (
        Decimal("0.01"),
        "estimated",
        "anthropic",
    )
    assert (record.input_tokens, record.output_tokens) == (1_000, 100)
    assert record.timestamp.isoformat() == "2026-09-14T09:00:00.500000+00:00"
    assert record.source_key == request_identity("chatcmpl-1")
    assert "secret" not in repr(record)


@every_case(
    [
        ({"response_cost": None}, LIST_PRICE),
        ({"response_cost": 0}, LIST_PRICE),
        ({"response_cost": 0, "status": "failure"}, Decimal(0)),
        ({"response_cost": 0.25, "status": "failure"}, Decimal("0.25")),
        ({"response_cost": None, "cache_hit": True}, Decimal(0)),
        ({"response_cost": 0, "cache_hit": "True"}, Decimal(0)),
        ({"response_cost": None, "model": "engine-9000", "custom_llm_provider": "acme"}, None),
        ({"response_cost": 0, "model": "llama3.2", "custom_llm_provider": "ollama_chat"}, Decimal(0)),
    ]
)
def test_no_cost_is_unknown_unless_the_request_failed_or_was_cached(
    changed: dict[str, Any], cost: Decimal | None
) -> None:
    [record] = read(payload(**changed))
    assert record.cost_usd == cost


def test_answer_of_the_cache_tells_what_it_saved() -> None:
    for hit in (True, "True"):
        [record] = read(payload(response_cost=0, cache_hit=hit))
        assert (record.cost_usd, record.tokens_used, record.request_count) == (Decimal(0), 0, 1)
        assert record.metadata["cache_hit"] is True
        assert Decimal(str(record.metadata["cache_saved_usd"])) == LIST_PRICE
    [unknown] = read(payload(cache_hit=True, model="engine-9000", custom_llm_provider="acme"))
    assert "cache_saved_usd" not in unknown.metadata


@every_case([(spend,) for spend in ["", "null", "None", "NaN", "\\N"]])
def test_spend_without_a_value_is_unknown(spend: str) -> None:
    header = "request_id,startTime,model,custom_llm_provider,spend,prompt_tokens,completion_tokens\n"
    row = f"r-1,2026-09-14 09:00:00,{CLAUDE},anthropic,{spend},1000,100\n"
    table = read_table((header + row).encode(), "spend.csv")
    parsed = find_importer("litellm").parse(table, Options())
    assert [record.cost_usd for record in parsed.records] == [LIST_PRICE]


def test_writes_for_an_hour_are_kept_apart_and_priced() -> None:
    usage = {
        "cache_creation_input_tokens": 900,
        "cache_creation": {"ephemeral_5m_input_tokens": 600, "ephemeral_1h_input_tokens": 300},
    }
    known, unknown = (
        read(payload(response_cost=cost, metadata={"usage_object": usage}))[0] for cost in (0.5, None)
    )
    for record in (known, unknown):
        assert (record.cache_write_tokens, record.metadata["cache_write_1h_tokens"]) == (900, 300)
    assert known.cost_usd == Decimal("0.5")
    assert unknown.cost_usd == (100 * 3 + 600 * Decimal("3.75") + 300 * 6 + 100 * 15) / Decimal(1_000_000)
