"""Gateways' and tools' files name a model: who is paid for it, at which price, and under which name."""

import json
from decimal import Decimal

from tally.core.records import CostRecord
from tally.importers import Options, find_importer, identify, read_table
from tests.every_case import every_case

HELICONE = "response_id,response_status,request_created_at,model,prompt_tokens,completion_tokens,cost\n"
LITELLM = "request_id,startTime,model,custom_llm_provider,spend,prompt_tokens,completion_tokens\n"
CURSOR = (
    "Date,Kind,Model,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,"
    "Total Tokens,Cost\n"
)
GENERIC = "date,provider,model,cost\n"


def only_record(importer: str, text: str, filename: str = "export.csv") -> CostRecord:
    """The record of a file with one row."""
    table = read_table(text.encode(), filename)
    assert identify(table) is find_importer(importer)
    (record,) = find_importer(importer).parse(table, Options()).records
    return record


@every_case(
    [
        ("r-1", "glm-5.1", "zai", "glm-5.1", "0.14"),
        ("r-1", "Claude Sonnet 4.5", "anthropic", "claude-sonnet-4-5", "0.3"),
        ("msg_vrtx_01", "claude-sonnet-4-5-20250929", "google", "claude-sonnet-4-5", "0.3"),
        (
            "msg_bdrk_01",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws-bedrock",
            "claude-sonnet-4-5",
            "0.33",
        ),
        ("r-1", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws-bedrock", "claude-sonnet-4-5", "0.33"),
        ("r-1", "gpt-oss:20b", "local", "gpt-oss:20b", "0"),
        ("r-1", "claude-opus-4-8-fast", "anthropic", "claude-opus-4-8", "1"),
        ("r-1", "olive-7b", "helicone", "olive-7b", None),
    ]
)
def test_gateway_without_a_price_gets_the_payees(
    request_id: str, model: str, provider: str, name: str, usd: str | None
) -> None:
    row = f"{request_id},200,2026-08-20T12:00:00Z,{model},100000,0,\n"
    record = only_record("helicone", HELICONE + row)
    cost_usd = None if usd is None else Decimal(usd)
    assert (record.provider, record.model_name, record.cost_usd) == (provider, name, cost_usd)
    assert record.metadata.get("model", record.model_name) == model


@every_case(
    [
        ("ollama", "ollama/llama3.1", "local", "llama-3.1", "0"),
        ("hosted_vllm", "hosted_vllm/qwen3-32b", "local", "qwen3-32b", "0"),
        ("vertex_ai", "vertex_ai/claude-sonnet-4-5@20250929", "google", "claude-sonnet-4-5", "0.3"),
        ("zai", "zai/glm-5.1", "zai", "glm-5.1", "0.14"),
        ("openai", "openai/glm-5.1", "zai", "glm-5.1", "0.14"),
        (
            "bedrock",
            "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws-bedrock",
            "claude-sonnet-4-5",
            "0.33",
        ),
        (
            "bedrock",
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123",
            "aws-bedrock",
            "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc123",
            None,
        ),
        ("openrouter", "openrouter/deepseek/deepseek-r1:free", "openrouter", "deepseek-r1:free", "0"),
        ("", "azure/my-deployment", "azure", "my-deployment", None),
        ("acme", "acme/gpt-5.5", "openai", "gpt-5.5", "0.5"),
        ("acme", "acme/zeta", "other", "acme/zeta", None),
    ]
)
def test_litellm_names_the_provider(
    named: str, model: str, provider: str, name: str, usd: str | None
) -> None:
    row = f"r-1,2026-08-20 12:00:00.000,{model},{named},0,100000,0\n"
    record = only_record("litellm", LITELLM + row)
    cost_usd = None if usd is None else Decimal(usd)
    assert (record.provider, record.model_name, record.cost_usd) == (provider, name, cost_usd)


@every_case(
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "aws-bedrock"),
        ("kimi-k3", "moonshot"),
        ("claude-sonnet-4-5-20250929", "claude-desktop"),
        ("claude-sonnet-4-5@20250929", "google"),
    ]
)
def test_plan_in_ccusage_covers_anthropics_own_models_only(model: str, provider: str) -> None:
    part = {
        "modelName": model,
        "inputTokens": 10,
        "outputTokens": 5,
        "cacheCreationTokens": 0,
        "cacheReadTokens": 0,
    }
    report = {"daily": [{"date": "2026-08-20", "modelBreakdowns": [part | {"cost": 0.5}]}]}
    table = read_table(json.dumps(report).encode(), "usage.json")
    importer = identify(table)
    assert importer is find_importer("ccusage")
    (record,) = importer.parse(table, Options(account="Claude Max")).records
    assert (record.provider, record.cost_basis) == (
        provider,
        "included" if provider == "claude-desktop" else "estimated",
    )


@every_case(
    [
        ("claude-4.5-sonnet-thinking", "claude-sonnet-4-5", "0.3"),
        ("gpt-5.5-high-fast", "gpt-5.5", "1.25"),
        ("gpt-5.5-high", "gpt-5.5", "0.5"),
        ("gpt-5.1-codex-max-xhigh", "gpt-5.1-codex-max", "0.125"),
        ("composer-2.5-fast", "composer-2.5-fast", "0.3"),
    ]
)
def test_cursors_suffixes_are_conditions_or_no_part_of_the_model(model: str, name: str, usd: str) -> None:
    record = only_record(
        "cursor", CURSOR + f"2026-08-20T12:00:00.000Z,Included,{model},0,100000,0,0,100000,Included\n"
    )
    assert (record.model_name, record.cost_usd) == (name, Decimal(usd))


@every_case(
    [
        ("Claude Opus 4.7", "claude-opus-4-7"),
        ("claude-opus-4-7[1m]", "claude-opus-4-7"),
        ("ChatGPT Plus", "ChatGPT Plus"),
        ("Claude Max 20x", "Claude Max 20x"),
    ]
)
def test_bill_in_any_file_names_the_same_model_as_the_usage(model: str, name: str) -> None:
    record = only_record("generic", GENERIC + f"2026-08-20,Anthropic,{model},10\n")
    assert record.model_name == name
    assert record.metadata.get("model", name) == model
