"""Answers of providers' usage and cost APIs that were saved as files."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tally.importers import ImportRefused, Options, Parsed, identify_all, parse_tables, read_tables
from tests.every_case import every_case

DAY, NEXT_DAY = 1793577600, 1793664000
COMPLETIONS = {
    "object": "organization.usage.completions.result",
    "input_tokens": 1000,
    "output_tokens": 100,
    "input_cached_tokens": 0,
    "num_model_requests": 2,
    "model": "gpt-5.2-2025-12-11",
}
MESSAGES = {
    "uncached_input_tokens": 10,
    "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 2},
    "cache_read_input_tokens": 5,
    "output_tokens": 7,
    "server_tool_use": {"web_search_requests": 0},
    "model": "claude-sonnet-4-5",
}


def parse(document: Any, filename: str = "answer.json") -> tuple[str, Parsed]:
    text = document if isinstance(document, str) else json.dumps(document)
    tables = read_tables(text.encode(), filename)
    importer = identify_all(tables)
    assert importer is not None
    return importer.name, parse_tables(importer, tables, Options())


def openai_page(*results: dict[str, Any], end: int = NEXT_DAY) -> dict[str, Any]:
    bucket = {"object": "bucket", "start_time": DAY, "end_time": end, "results": list(results)}
    return {"object": "page", "data": [bucket], "has_more": False, "next_page": None}


def anthropic_page(*results: dict[str, Any], hour: int = 0) -> dict[str, Any]:
    starts, ends = f"2026-11-02T{hour:02}:00:00Z", "2026-11-03T00:00:00Z"
    return {"data": [{"starting_at": starts, "ending_at": ends, "results": list(results)}], "has_more": False}


def test_usage_of_openai_is_an_estimate_of_its_day() -> None:
    name, parsed = parse(openai_page(COMPLETIONS))
    (record,) = parsed.records
    assert (name, record.cost_basis, str(record.day)) == ("openai_usage", "estimated", "2026-11-02")
    assert (record.input_tokens, record.output_tokens, record.request_count) == (1000, 100, 2)


def test_several_answers_in_one_file_are_read_together() -> None:
    pages = [openai_page(COMPLETIONS), openai_page({**COMPLETIONS, "model": "gpt-4o-2024-08-06"})]
    as_list, as_lines = parse(pages)[1], parse("\n".join(map(json.dumps, pages)), "answers.jsonl")[1]
    assert [record.model_name for record in as_list.records] == ["gpt-5.2", "gpt-4o"]
    assert as_lines.records == as_list.records


def test_minutes_of_openai_stay_apart() -> None:
    _, parsed = parse(openai_page(COMPLETIONS, end=DAY + 60))
    assert [record.metadata["bucket_seconds"] for record in parsed.records] == [60]


def test_costs_of_openai_are_billed() -> None:
    cost = {"amount": {"value": 0.5, "currency": "usd"}, "line_item": "gpt-5.2, output", "project_id": "p"}
    name, parsed = parse(openai_page({"object": "organization.costs.result", **cost}))
    (record,) = parsed.records
    assert (name, record.cost_basis, record.cost_usd) == ("openai_cost", "billed", Decimal("0.5"))


@every_case([("123.78912", "1.2378912"), (20, "0.2"), ("0", "0"), (0.5, "0.005")])
def test_costs_of_anthropic_are_cents(amount: str | float, cost_usd: str) -> None:
    cost = {
        "amount": amount,
        "currency": "USD",
        "cost_type": "tokens",
        "token_type": "output_tokens",
        "model": "m",
    }
    name, parsed = parse(anthropic_page(cost))
    assert (name, [record.cost_usd for record in parsed.records]) == ("anthropic_cost", [Decimal(cost_usd)])


def test_costs_of_anthropic_in_another_currency_are_not_taken_for_dollars() -> None:
    cost = {
        "amount": "100",
        "currency": "EUR",
        "cost_type": "tokens",
        "token_type": "output_tokens",
        "model": "m",
    }
    (table,) = read_tables(json.dumps(anthropic_page(cost)).encode(), "answer.json")
    assert identify_all([table]) is None


def test_usage_of_anthropic_adds_up_its_classes_and_hours() -> None:
    pages = [anthropic_page(MESSAGES, hour=hour) for hour in (0, 5)]
    name, parsed = parse(pages)
    (record,) = parsed.records
    assert (name, record.input_tokens, record.cached_input_tokens) == ("anthropic_usage", 40, 10)
    assert (record.cache_write_tokens, record.output_tokens) == (10, 14)


@every_case([("us", "1.1"), ("global", "1"), ("not_available", "1"), (None, "1")])
def test_usage_within_the_us_costs_more(place: str | None, factor: str) -> None:
    usage = {**MESSAGES, "model": "claude-sonnet-4-6"}
    plain, placed = (
        parse(anthropic_page(u))[1].records[0] for u in (usage, {**usage, "inference_geo": place})
    )
    assert plain.cost_usd is not None
    assert placed.cost_usd == plain.cost_usd * Decimal(factor)


def test_answer_without_usage_is_refused_with_advice() -> None:
    with pytest.raises(ImportRefused, match="has no rows"):
        parse(openai_page())


def test_activity_of_openrouter_is_billed_without_what_own_keys_paid() -> None:
    row = {
        "date": "2026-11-02",
        "model": "openai/gpt-4.1",
        "model_permaslug": "openai/gpt-4.1-2025-04-14",
        "provider_name": "OpenAI",
        "usage": 0.015,
        "byok_usage_inference": 0.012,
        "requests": 5,
        "prompt_tokens": 50,
        "completion_tokens": 125,
        "reasoning_tokens": 25,
    }
    name, parsed = parse({"data": [row]})
    (record,) = parsed.records
    assert (name, record.cost_basis, record.cost_usd) == ("openrouter_activity", "billed", Decimal("0.015"))
    assert (record.request_count, record.input_tokens, record.output_tokens) == (5, 50, 125)
