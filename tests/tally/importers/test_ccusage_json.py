"""ccusage's reports in every shape: estimates by day and model, never bills."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tally.core.records import NO_MODEL
from tally.importers import ImportRefused, Options, Parsed, ccusage_json, identify, read_table
from tests.every_case import every_case


def parse(report: dict[str, Any], options: Options | None = None) -> Parsed:
    table = read_table(json.dumps(report).encode(), "usage.json")
    assert identify(table) is ccusage_json
    return ccusage_json.parse(table, options or Options())


def ccusage_day(**values: Any) -> dict[str, Any]:
    counts = {"inputTokens": 10, "outputTokens": 5, "cacheCreationTokens": 3, "cacheReadTokens": 2}
    models = [
        {"modelName": "claude-opus-4-5-20251101", **counts, "cost": 1},
        {"modelName": "gpt-5.2", **counts, "cost": 2},
    ]
    return {"period": "2026-11-02", **counts, "totalCost": 3, "modelBreakdowns": models} | values


def test_ccusage_days_are_split_by_model() -> None:
    records = parse({"daily": [ccusage_day()], "totals": {}}).records
    assert [record.model_name for record in records] == ["claude-opus-4-5", "gpt-5.2"]
    assert {
        (record.input_tokens, record.output_tokens, record.cached_input_tokens) for record in records
    } == {(15, 5, 2)}
    assert {record.dataset for record in records} == {"ccusage"}
    assert [record.billing_account for record in records] == ["anthropic", "openai"]
    assert {record.cost_basis for record in records} == {"estimated"}


def test_account_named_like_a_plan_includes_its_models() -> None:
    records = parse({"daily": [ccusage_day()]}, Options(account="Claude Max")).records
    assert [(record.provider, record.cost_basis, record.billing_account) for record in records] == [
        ("claude-desktop", "included", "claude-desktop"),
        ("openai", "estimated", "openai:Claude Max"),
    ]


@every_case(
    [
        (report,)
        for report in [
            {"weekly": [ccusage_day()]},
            {"monthly": [ccusage_day(period="2026-11")]},
            {"session": [ccusage_day(period="s")]},
            {"sessions": [ccusage_day(sessionId="s")]},
            {"monthly": [{**ccusage_day(), "month": "2026-11"}]},
        ]
    ]
)
def test_ccusage_reports_not_by_day_and_model_are_refused(report: dict[str, Any]) -> None:
    with pytest.raises(ImportRefused) as refused:
        parse(report)
    assert str(refused.value) == (
        "usage.json is a ccusage report that is not by day and model. "
        "Run `ccusage daily --json > usage.json` and drop that file here."
    )


def test_costs_are_those_of_the_report() -> None:
    records = parse({"daily": [ccusage_day()]}).records
    assert [record.cost_usd for record in records] == [1, 2]
    assert {record.metadata.get("price_source") for record in records} == {None}


def test_tokens_without_a_cost_have_the_list_price() -> None:
    counts = {"inputTokens": 1_000_000, "outputTokens": 0, "cacheCreationTokens": 0, "cacheReadTokens": 0}
    parts = [{"modelName": "gpt-5.2", **counts, "cost": 0}, {"modelName": "claude-opus-4-5", **counts}]
    records = parse({"daily": [ccusage_day(modelBreakdowns=parts)]}).records
    assert [record.cost_usd for record in records] == [Decimal("1.75"), Decimal(5)]
    assert {record.metadata["price_source"] for record in records} == {"genai-prices"}


def test_days_of_every_project_are_apart() -> None:
    report = {"projects": {"-home-garden": [ccusage_day()], "-home-shed": [ccusage_day()], "empty": []}}
    records = parse(report).records
    assert [record.metadata.get("project") for record in records] == ["-home-garden"] * 2 + ["-home-shed"] * 2
    assert len({record.source_key for record in records}) == 4
    assert sum(record.cost_usd or 0 for record in records) == 6


@pytest.mark.parametrize(
    ("counts", "uncached"),
    [
        ({"inputTokens": 500, "cacheReadTokens": 300, "outputTokens": 40, "totalTokens": 840}, 500),
        ({"inputTokens": 800, "cachedInputTokens": 300, "outputTokens": 40, "totalTokens": 840}, 500),
        ({"inputTokens": 500, "cachedInputTokens": 0, "outputTokens": 40, "totalTokens": 540}, 500),
    ],
)
def test_codex_models_are_an_object(counts: dict[str, int], uncached: int) -> None:
    models = {"gpt-5.4": {**counts, "reasoningOutputTokens": 9, "isFallback": False}}
    [record] = parse(
        {"daily": [{"date": "2026-09-14", **counts, "costUSD": 0.0123, "models": models}]}
    ).records
    assert (record.model_name, record.cost_usd, record.reasoning_tokens) == ("gpt-5.4", Decimal("0.0123"), 9)
    assert record.input_tokens - record.cached_input_tokens == uncached
    assert record.output_tokens == 40


def test_day_of_several_codex_models_has_the_list_price_of_each() -> None:
    usage = {"inputTokens": 1_000_000, "cachedInputTokens": 0, "outputTokens": 0, "totalTokens": 1_000_000}
    day = {"date": "2026-09-14", "costUSD": 9, "models": {"gpt-5.4": usage, "gpt-5.2": usage}}
    records = parse({"daily": [day]}).records
    assert [record.model_name for record in records] == ["gpt-5.4", "gpt-5.2"]
    assert [record.cost_usd for record in records] == [Decimal("2.5"), Decimal("1.75")]


def test_part_with_a_cost_alone_has_the_tokens_of_its_day() -> None:
    day = ccusage_day(modelBreakdowns=[{"modelName": "claude-opus-4-6", "cost": 2.5}])
    [record] = parse({"daily": [day]}).records
    assert (record.cost_usd, record.cost_basis, record.tokens_used) == (Decimal("2.5"), "estimated", 20)


def test_parts_with_costs_alone_leave_the_tokens_without_a_model() -> None:
    parts = [{"modelName": "claude-opus-4-6", "cost": 2.5}, {"modelName": "gpt-5.2", "cost": 0.5}]
    records = parse({"daily": [ccusage_day(modelBreakdowns=parts)]}).records
    assert [(record.model_name, record.cost_usd, record.tokens_used) for record in records] == [
        ("claude-opus-4-6", Decimal("2.5"), 0),
        ("gpt-5.2", Decimal("0.5"), 0),
        (NO_MODEL, 0, 20),
    ]


@pytest.mark.parametrize(
    "report",
    [
        {"daily": [{"date": "2026-11-02", "totalCost": 3, "modelsUsed": ["gpt-5.2"]}]},
        {"daily": [{"date": "2026-11-02", "totalTokens": 3, "totalCost": 3, "modelsUsed": []}]},
    ],
)
def test_days_without_models_are_refused_and_never_bills(report: dict[str, Any]) -> None:
    with pytest.raises(ImportRefused, match="is a ccusage report that is not by day and model"):
        parse(report)
