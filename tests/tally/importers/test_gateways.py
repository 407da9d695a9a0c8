"""Gateways and clouds: their records, vendors of models, and refusals."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tally.core.records import NO_MODEL, request_identity
from tally.importers import (
    AmbiguousDates,
    Importer,
    Options,
    Parsed,
    azure,
    google_billing,
    helicone,
    identify,
    langfuse,
    litellm,
    read_table,
)
from tally.importers.google_billing import read_credits
from tally.importers.langfuse import read_cost, read_usage
from tally.importers.protocol import RowRejected
from tally.pricing.usage import Usage
from tests.every_case import every_case

HELICONE = (
    "response_id,response_status,request_created_at,request_body,model,prompt_tokens,completion_tokens,cost\n"
)
AZURE = "Date,MeterCategory,MeterName,CostInBillingCurrency,BillingCurrency,ChargeType,ResourceId\n"
GOOGLE = "service_description,sku_description,usage_start_time,cost,credits,currency,cost_type\n"


def parse(
    importer: Importer, text: str, options: Options | None = None, filename: str = "export.csv"
) -> Parsed:
    table = read_table(text.encode(), filename)
    assert identify(table) is importer
    return importer.parse(table, options or Options())


@pytest.mark.parametrize(
    "writes",
    [
        {"input_cache_creation_5m": "600", "input_cache_creation_1h": "300"},
        {
            "cache_creation.ephemeral_5m_input_tokens": "600",
            "cache_creation.ephemeral_1h_input_tokens": "300",
        },
        {
            "cache_creation_input_tokens": "900",
            "cache_creation.ephemeral_5m_input_tokens": "600",
            "cache_creation.ephemeral_1h_input_tokens": "300",
        },
    ],
)
def test_langfuse_cache_writes_of_each_lifetime_count_once(writes: dict[str, str]) -> None:
    usage, _ = read_usage({"input": "10", "output": "100", "total": "1010"} | writes)
    assert usage == Usage(910, 100, cache_write_tokens=900, cache_write_1h_tokens=300)


@pytest.mark.parametrize("details", [{"total": "1100"}, {"total_tokens": "1100", "input": "0", "output": ""}])
def test_langfuse_total_alone_counts_as_input(details: dict[str, str]) -> None:
    assert read_usage(details) == (Usage(1100), 0)


def test_request_with_a_provider_id_has_one_identity_in_all_sources() -> None:
    text = HELICONE + "msg_01,200,2026-11-02T10:00:00Z,,claude-opus-4-5,10,5,0.1\n"
    [record] = parse(helicone, text, Options(account="work")).records
    assert record.source_key == request_identity("msg_01")
    assert record.request_id == "msg_01"


def test_prompts_are_not_stored() -> None:
    text = HELICONE + "r-1,200,2026-11-02T10:00:00Z,my secret question,gpt-4o,10,5,0.1\n"
    [record] = parse(helicone, text).records
    assert "secret" not in str(record)


def test_failed_request_without_usage_is_skipped() -> None:
    row = "2026-11-02T10:00:00Z,,gpt-4o"
    parsed = parse(helicone, f"{HELICONE}r-1,500,{row},0,0,0\nr-2,-3,{row},,,\nr-3,500,{row},10,0,0.01\n")
    assert (parsed.rows_blank, [record.cost_usd for record in parsed.records]) == (2, [Decimal("0.01")])


@every_case(
    [
        ({"input": "1200", "output": "300", "total": "1500"}, Usage(1200, 300), 0),
        ({"input": "800", "input_cached_tokens": "400", "output": "300"}, Usage(1200, 300, 400), 0),
        (
            {"input": "1200", "input_cached_tokens": "400", "output": "300", "total": "1500"},
            Usage(1200, 300, 400),
            0,
        ),
        (
            {"input": "1", "cache_read_input_tokens": "6", "cache_creation_input_tokens": "3", "output": "5"},
            Usage(10, 5, 6, 3),
            0,
        ),
        ({"input": "1", "output": "5", "output_reasoning_tokens": "4", "total": "10"}, Usage(1, 9), 4),
        ({"prompt_tokens": "7", "completion_tokens": "2", "total_tokens": "9"}, Usage(7, 2), 0),
        ({"promptTokens": "7", "completionTokens": "2", "totalTokens": "9"}, Usage(7, 2), 0),
        (
            {
                "input": "100",
                "input_audio_tokens": "400",
                "output": "50",
                "output_audio_tokens": "50",
                "total": "600",
            },
            Usage(500, 100, input_audio_tokens=400, output_audio_tokens=50),
            0,
        ),
        ({"unit": "TOKENS", "input": "7", "output": ""}, Usage(7, 0), 0),
        ({}, Usage(0, 0), 0),
    ]
)
def test_details_of_usage_add_to_the_totals_or_are_part_of_them(
    details: dict[str, str], usage: Usage, reasoning: int
) -> None:
    assert read_usage(details) == (usage, reasoning)


@pytest.mark.parametrize(
    "columns",
    [
        "inputTokens,outputTokens,totalTokens",
        "promptTokens,completionTokens,totalTokens",
        "usage.input,usage.output,usage.total",
    ],
)
def test_usage_in_columns_of_its_own_is_read(columns: str) -> None:
    header = f"id,traceId,type,startTime,model,{columns},totalCost\n"
    [record] = parse(
        langfuse, f"{header}o-1,t-1,GENERATION,2026-09-14T09:00:00Z,gpt-5.4,1000,100,1100,\n"
    ).records
    assert (record.input_tokens, record.output_tokens) == (1_000, 100)
    assert record.cost_usd == (1_000 * Decimal("2.5") + 100 * 15) / 1_000_000


def test_audio_has_its_own_price() -> None:
    usage = {"input": 100, "input_audio_tokens": 400, "output": 50, "output_audio_tokens": 50, "total": 600}
    row: dict[str, Any] = {
        "id": "o-1",
        "traceId": "t-1",
        "type": "GENERATION",
        "startTime": "2026-09-14T09:00:00Z",
    }
    row |= {"model": "gpt-4o-realtime-preview", "usageDetails": usage, "costDetails": {}}
    [record] = parse(langfuse, json.dumps([row]), filename="observations.json").records
    assert record.cost_usd == Decimal(100 * 5 + 400 * 40 + 50 * 20 + 50 * 80) / 1_000_000


def test_more_cached_tokens_than_input_tokens_are_rejected() -> None:
    with pytest.raises(RowRejected, match="more cached tokens than input tokens"):
        read_usage({"input": "5", "input_cached_tokens": "6", "output": "1", "total": "6"})


def test_total_cost_takes_precedence_over_its_parts() -> None:
    assert read_cost({"input": "1", "output": "2", "total": "3.5"}, "9") == Decimal("3.5")
    assert read_cost({"input": "1", "output": "2"}, "9") == 3
    assert read_cost({}, "9") == 9
    assert read_cost({"total": ""}, "") is None


def test_generations_are_records_and_spans_are_skipped() -> None:
    def observation(kind: str, number: int) -> dict[str, Any]:
        usage, cost = {"input": 10, "output": 5}, {"total": 0.5}
        times = {"startTime": "2026-11-02T10:00:00Z"}
        return {"id": f"o{number}", "traceId": "t", "type": kind, "model": "gpt-4o", **times} | {
            "usageDetails": usage,
            "costDetails": cost,
        }

    kinds = ("SPAN", "GENERATION", "EVENT", "AGENT", "TOOL", "CHAIN", "EMBEDDING")
    text = json.dumps([observation(kind, number) for number, kind in enumerate(kinds)])
    parsed = parse(langfuse, text, filename="observations.json")
    assert (len(parsed.records), parsed.rows_blank) == (2, 5)


def test_other_services_of_a_cloud_are_skipped() -> None:
    rows = "2026-11-02,Storage,LRS,5,USD,Usage,r\n2026-11-02,Azure OpenAI,gpt-4o Inp Tokens,1,USD,Usage,r\n"
    parsed = parse(azure, AZURE + rows)
    assert [record.cost_usd for record in parsed.records] == [1]
    assert (parsed.rows_read, parsed.rows_blank) == (1, 1)


def test_ambiguous_dates_of_azure_are_asked_about() -> None:
    text = AZURE + "03/04/2026,Azure OpenAI,gpt-4o Inp Tokens,1,USD,Usage,r\n"
    with pytest.raises(AmbiguousDates):
        parse(azure, text)
    [record] = parse(azure, text, Options(day_first=False)).records
    assert record.day == date(2026, 3, 4)


def test_longest_resource_path_of_azure_is_accepted() -> None:
    path = (
        f"/subscriptions/{'s' * 36}/resourceGroups/{'g' * 90}/providers/Microsoft.CognitiveServices/accounts/"
    )
    text = f"{AZURE}2026-11-02,Azure OpenAI,gpt-4o Inp Tokens,1,USD,Usage,{path}{'a' * 64}\n"
    [record] = parse(azure, text).records
    assert record.metadata["resource"] == "a" * 64
    [same] = parse(azure, text.replace("resourceGroups", "resourcegroups")).records
    assert same.source_key == record.source_key


def test_meters_of_a_day_and_resource_are_summed_per_account() -> None:
    row = "2026-11-02,Azure OpenAI,gpt-4o Inp Tokens,1.5,USD,Usage,r\n"
    [record] = parse(azure, AZURE + row * 2).records
    assert record.cost_usd == 3
    [other] = parse(azure, AZURE + row, Options(account="work")).records
    assert other.source_key != record.source_key
    assert other.billing_account == "azure:work"


def test_credits_reduce_the_cost_of_their_row() -> None:
    credits = '"[{""amount"": -0.5}, {""amount"": ""-0.25""}]"'
    row = f"Gemini API,Gemini 2.5 Pro,2026-11-02 08:00:00 UTC,2,{credits},USD,regular\n"
    [record] = parse(google_billing, GOOGLE + row).records
    assert record.cost_usd == Decimal("1.25")
    assert record.metadata["credits"] == "-0.75 USD"


@every_case(
    [(cell,) for cell in ["[", "{}", "[1]", '[{"amount": "x"}]', '[{"amount": "NaN"}]', "null", "[" * 9999]]
)
def test_invalid_credits_reject_their_row(cell: str) -> None:
    with pytest.raises(RowRejected, match="are not a list of amounts"):
        read_credits(cell)


def test_tax_of_an_ai_service_is_a_record() -> None:
    rows = (
        "Invoice,Tax,2026-11-02 08:00:00 UTC,9,,USD,tax\nVertex AI,Tax,2026-11-02 08:00:00 UTC,1,,USD,tax\n"
    )
    [record] = parse(google_billing, GOOGLE + rows).records
    assert record.charge_type == "tax"
    assert record.cost_usd == 1


@every_case(
    [
        ("Generate content output token count Gemini 2.5 Flash Lite", "gemini-2.5-flash-lite"),
        ("Gemini 3 Pro Text Input - Predictions", "gemini-3-pro"),
        ("gemini-2.5-pro cached input", "gemini-2.5-pro"),
        ("Claude Opus 4.5 Batch Input Tokens", "claude-opus-4-5"),
        ("Claude 3.5 Sonnet Output", "claude-3-5-sonnet"),
        ("Claude Fable 5 Output Tokens", "claude-fable-5"),
        ("Llama 3.3 70B Input Tokens", "llama-3.3-70b-instruct"),
        ("DeepSeek-V3.1 Output Tokens", "deepseek-v3.1"),
        ("gpt-oss-120b Input Tokens", "gpt-oss-120b"),
        ("Kimi K2 Thinking Output", "kimi-k2-thinking"),
        ("Gemini Embedding Text Input", NO_MODEL),
        ("Vector Search Index Serving e2", NO_MODEL),
        ("Vertex AI Search", NO_MODEL),
    ]
)
def test_sku_gives_the_model_name_of_other_sources(sku: str, model: str) -> None:
    assert google_billing.model_of(sku) == model


def test_comma_in_a_text_of_json_changes_no_other_number() -> None:
    shared = {
        "model": "gpt-4o",
        "prompt_tokens": 1000,
        "completion_tokens": 10,
        "custom_llm_provider": "openai",
    }
    rows = [
        {"request_id": str(day), "startTime": f"2026-11-0{day}T10:00:00Z", "spend": spend, **shared}
        for day, spend in enumerate((1.234, "0,5", "2.345"), start=1)
    ]
    parsed = parse(litellm, json.dumps(rows), filename="spend.json")
    assert [record.cost_usd for record in parsed.records] == [Decimal("1.234"), Decimal("2.345")]
    assert [rejected.line for rejected in parsed.rejected] == [2]
