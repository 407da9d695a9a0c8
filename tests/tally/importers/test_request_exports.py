"""Exports of tools and gateways: the cost basis, tokens and identity of requests."""

from datetime import date
from decimal import Decimal

import pytest

from tally.core.records import CostRecord, request_identity
from tally.importers import ImportRefused, Options, Parsed, identify, identify_all, parse_tables, read_tables
from tally.ledger.billing_account import preview_overlaps
from tests.every_case import every_case
from tests.tally.importers.golden import load_sample

CURSOR = (
    "Date,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,"
    "Output Tokens,Total Tokens,Cost\n"
)
CURSOR_PAID = (
    "Date,Model,Input (w/ Cache Write),Input (w/o Cache Write),Cache Read,Output Tokens,Total Tokens,"
    "Cost,Cost to you\n"
)
COPILOT = "date,username,product,sku,model,quantity,gross_amount,discount_amount,net_amount\n"
OPENROUTER = "generation_id,created_at,cost_total,tokens_prompt,model_permaslug\n"
LITELLM = (
    "request_id,startTime,model,custom_llm_provider,spend,prompt_tokens,completion_tokens,"
    "cache_hit,metadata\n"
)
AT = "2026-03-10T14:02:07.511Z"


def parse(text: str, options: Options | None = None) -> Parsed:
    tables = read_tables(text.encode(), "export.csv")
    importer = identify_all(tables)
    assert importer is not None
    return parse_tables(importer, tables, options or Options())


def only(text: str) -> CostRecord:
    parsed = parse(text)
    assert parsed.rejected == []
    assert len(parsed.records) == 1
    return parsed.records[0]


def cursor(kind: str, cost: str, model: str = "gpt-5.2") -> CostRecord:
    return only(f'{CURSOR}{AT},"{kind}",{model},No,0,1000,0,100,1100,"{cost}"\n')


# 1,000 input tokens at $1.75 per million and 100 output tokens at $14.
GPT_5_2_USD = Decimal(1_000) * Decimal("1.75") / 1_000_000 + Decimal(100) * 14 / 1_000_000


@every_case(
    [
        ("Included", "0.49", "included", Decimal("0.49")),
        ("Included in Pro", "$0.10", "included", Decimal("0.10")),
        ("Included", "Included", "included", GPT_5_2_USD),
        ("Included", "NaN", "included", GPT_5_2_USD),
        ("Included", "0", "included", GPT_5_2_USD),
        ("On-Demand", "0.49", "billed", Decimal("0.49")),
        ("On-Demand", "0", "billed", Decimal(0)),
        ("Usage-based", "$1.24", "billed", Decimal("1.24")),
        ("On-Demand", "", "estimated", GPT_5_2_USD),
        ("On-Demand", "pending", "estimated", GPT_5_2_USD),
        ("Free", "0.49", "included", Decimal(0)),
        ("Errored, No Charge", "-", "included", Decimal(0)),
        ("Aborted, Not Charged", "0.02", "included", Decimal(0)),
        ("User API Key", "0.02", "included", Decimal(0)),
        ("Something new", "0.02", "estimated", Decimal("0.02")),
        ("chat", "Included", "included", GPT_5_2_USD),
        ("", "included", "included", GPT_5_2_USD),
        ("On-Demand", "Included", "included", GPT_5_2_USD),
        ("Errored, No Charge", "Included", "included", Decimal(0)),
    ]
)
def test_kind_of_a_cursor_request_decides_its_cost_basis(
    kind: str, cost: str, basis: str, cost_usd: Decimal
) -> None:
    record = cursor(kind, cost)
    assert (record.cost_basis, record.cost_usd) == (basis, cost_usd)


def test_cursor_model_without_a_price_has_no_cost() -> None:
    assert cursor("Included", "Included", "auto").cost_usd is None
    own = cursor("Included", "", "composer-2.5")
    assert (
        own.cost_usd
        == Decimal(1_000) * Decimal("0.5") / 1_000_000 + Decimal(100) * Decimal("2.5") / 1_000_000
    )


def test_invalid_cost_with_digits_is_rejected() -> None:
    parsed = parse(f"{CURSOR}{AT},On-Demand,m,No,0,1,0,1,2,1.2.3\n{AT},Included,m,No,0,1,0,1,2,-1\n")
    assert [rejected.reason for rejected in parsed.rejected] == [
        'The cost "1.2.3" is not a number.',
        "The cost is negative, which only a credit or an adjustment may be.",
    ]


@every_case(
    [
        ("0,4394,393120,2211,399725", (397514, 393120, 0, 2211)),
        ("31040,120,55200,1804,88164", (86360, 55200, 31040, 1804)),
        ("41000,1000,120000,2500,163500", (161000, 120000, 40000, 2500)),
        ("2600,2600,18000,950,21550", (20600, 18000, 0, 950)),
        ("900,0,0,100,1000", (900, 0, 900, 100)),
        ("900,100,0,100,", (1000, 0, 900, 100)),
    ]
)
def test_cache_writes_of_cursor_add_up_to_the_total(tokens: str, expected: tuple[int, ...]) -> None:
    record = only(f"{CURSOR}{AT},Included,m,No,{tokens},0.1\n")
    assert expected == (
        record.input_tokens,
        record.cached_input_tokens,
        record.cache_write_tokens,
        record.output_tokens,
    )
    assert "total_tokens" not in record.metadata


def test_total_that_matches_no_sum_is_stored_in_the_metadata() -> None:
    record = only(f"{CURSOR}{AT},Included,m,No,1,2,3,4,99,0.1\n")
    assert (record.tokens_used, record.metadata["total_tokens"]) == (10, 99)


def test_cost_to_you_is_billed() -> None:
    parsed = parse(f"{CURSOR_PAID}{AT},m,0,1,0,1,2,0.10,0.12\n2026-03-10,m,0,1,0,1,2,0.10,$0.00\n")
    assert [(record.cost_basis, record.cost_usd) for record in parsed.records] == [
        ("billed", Decimal("0.12")),
        ("included", Decimal("0.10")),
    ]
    assert parsed.records[1].day == date(2026, 3, 10)


def test_cursor_request_has_one_identity_in_all_versions() -> None:
    old = only(f"{CURSOR_PAID}{AT},m,0,1,0,1,2,0.10,0\n")
    of_sums = only(f"Date,User,Kind,Max Mode,Model,Tokens,Cost ($)\n{AT},ada,Included,No,m,2,0.10\n")
    newest = only(
        f"{CURSOR.replace('Kind', 'Cloud Agent ID,Automation ID,Kind')}{AT},x,,Included,m,No,0,1,0,1,2,0.1\n"
    )
    assert len({record.source_key for record in (old, of_sums, newest)}) == 1


def test_two_cursor_requests_at_one_time_count_as_two() -> None:
    row = f"{AT},On-Demand,m,No,0,10,0,1,11,0.25\n"
    record = only(CURSOR + row + row)
    assert (record.cost_usd, record.request_count, record.tokens_used) == (Decimal("0.50"), 2, 22)


def test_included_and_billed_requests_at_one_time_stay_separate() -> None:
    parsed = parse(f"{CURSOR}{AT},On-Demand,m,No,0,1,0,1,2,0.25\n{AT},Included,m,No,0,1,0,1,2,0.50\n")
    assert {record.cost_basis: record.cost_usd for record in parsed.records} == {
        "billed": Decimal("0.25"),
        "included": Decimal("0.50"),
    }


def test_copilot_days_are_billed_at_net_or_included_at_gross() -> None:
    parsed = parse(
        f"{COPILOT}2026-06-11,ada,copilot,s,Claude Sonnet 4.5,10,0.40,0.40,0\n"
        "2026-06-12,ada,copilot,s,Auto: GPT-5,10,0.40,0.10,0.30\n"
    )
    covered, billed = parsed.records
    assert (covered.cost_basis, covered.cost_usd) == ("included", Decimal("0.40"))
    assert (billed.cost_basis, billed.cost_usd) == ("billed", Decimal("0.30"))
    assert (billed.metadata["gross_usd"], billed.metadata["discount_usd"]) == ("0.4", "0.1")
    assert (covered.model_name, billed.model_name) == ("claude-sonnet-4-5", "gpt-5")


def test_copilot_day_keeps_its_identity_beyond_the_quota() -> None:
    row = "2026-06-11,ada,copilot,s,GPT-5,10,"
    morning = only(f"{COPILOT}{row}0.40,0.40,0\n")
    evening = only(f"{COPILOT}{row}0.40,0.40,0\n{row}0.60,0.10,0.50\n")
    assert morning.source_key == evening.source_key
    assert (evening.cost_basis, evening.cost_usd) == ("billed", Decimal("0.50"))
    assert (evening.metadata["gross_usd"], evening.metadata["discount_usd"]) == ("1", "0.5")


def test_copilot_uses_have_the_published_price_and_are_spend_beyond_the_quota() -> None:
    header = "Timestamp,User,Model,Requests Used,Exceeds Monthly Quota,Total Monthly Quota\n"
    parsed = parse(
        f"{header}2025-08-30T05:13:27.8766440Z,ada,m,10.00,False,300\n2025-08-30T05:13:28Z,ada,m,0.25,True,300\n"
    )
    assert [(record.cost_basis, record.cost_usd) for record in parsed.records] == [
        ("included", 10 * Decimal("0.04")),
        ("estimated", Decimal("0.25") * Decimal("0.04")),
    ]


def test_quoted_rows_of_copilot_are_the_same_records() -> None:
    wrapped, plain = (load_sample(f"copilot_2025_10{suffix}")[1].decode() for suffix in ("_quoted", ""))
    assert wrapped.startswith('"date,')
    assert parse(wrapped).records == parse(plain).records


def deepseek(*names: str) -> Parsed:
    name, content = load_sample("deepseek")
    tables = [table for table in read_tables(content, name) if any(part in table.filename for part in names)]
    importer = identify_all(tables)
    assert importer is not None
    return parse_tables(importer, tables, Options())


def test_deepseek_costs_and_tokens_share_a_billing_account() -> None:
    both = deepseek("amount-", "cost-")
    assert both.records == deepseek("amount-").records + deepseek("cost-").records
    tokens, bill = both.records[0], both.records[2]
    assert (tokens.cost_basis, tokens.dataset) == ("estimated", "deepseek_usage")
    assert (bill.cost_basis, bill.dataset) == ("billed", "deepseek_cost")
    assert (tokens.timestamp, tokens.model_name) == (bill.timestamp, bill.model_name)
    assert tokens.billing_account == bill.billing_account == "deepseek"
    assert (tokens.input_tokens, tokens.cached_input_tokens, tokens.request_count) == (460_000, 400_000, 25)


def test_estimates_covered_by_the_bill_in_the_same_file_are_not_spend() -> None:
    both = deepseek("amount-", "cost-")
    bill = sum(record.cost_usd or 0 for record in deepseek("cost-").records)
    resolved = preview_overlaps(both.records)
    assert sum(record.cost_usd or 0 for record in resolved) == bill
    assert None not in [record.cost_usd for record in resolved]
    assert preview_overlaps(deepseek("amount-").records) == deepseek("amount-").records


def test_deepseek_yuan_are_converted_and_a_granted_balance_costs_nothing() -> None:
    yuan, dollars, granted = deepseek("cost-").records
    assert yuan.cost_usd is not None
    assert abs(yuan.cost_usd * Decimal(str(yuan.metadata["exchange_rate"])) - Decimal("0.124")) < Decimal(
        "1e-8"
    )
    assert dollars.cost_usd == Decimal("0.0028")
    assert (granted.cost_usd, granted.metadata["granted_usd"]) == (Decimal(0), "0.01")


def test_openrouter_generation_has_one_identity_in_all_sources() -> None:
    row = "gen-1,2026-06-28 03:46:57.713,0.02,6120,openai/gpt-5.2\n"
    record = only(OPENROUTER + row + row)
    assert record.source_key == request_identity("gen-1")
    assert (record.cost_usd, record.request_count) == (Decimal("0.02"), 1)
    assert record.timestamp.isoformat() == "2026-06-28T03:46:57.713000+00:00"
    elsewhere = only(
        f"{LITELLM}gen-1,2026-06-28T03:46:58Z,openrouter/openai/gpt-5.2,openrouter,0.019,9,1,,\n"
    )
    assert elsewhere.source_key == record.source_key
    assert (elsewhere.cost_basis, record.cost_basis) == ("estimated", "billed")


def litellm(row: str) -> CostRecord:
    return only(f"{LITELLM}{row}\n")


def test_litellm_spend_is_an_estimate_in_its_providers_billing_account() -> None:
    record = litellm("chatcmpl-1,2026-05-04 08:15:00,gpt-4o,openai,0.0105,2000,500,False,{}")
    assert (record.cost_basis, record.cost_usd) == ("estimated", Decimal("0.0105"))
    assert (record.provider, record.billing_account) == ("openai", "openai")
    assert record.source_key == request_identity("chatcmpl-1")


@every_case(
    [
        ("bedrock", "aws-bedrock"),
        ("vertex_ai", "google"),
        ("gemini", "google"),
        ("together_ai", "together"),
        ("xai", "xai"),
        ("acme_ai", "other"),
    ]
)
def test_litellm_providers_get_tallys_names(provider: str, slug: str) -> None:
    record = litellm(f"a,2026-05-04 08:15:00,m,{provider},0.01,1,1,,")
    assert record.provider == slug
    assert record.billing_account == (None if slug == "other" else slug)


def test_litellm_spend_of_zero_for_tokens_means_an_unknown_price() -> None:
    priced = litellm("a,2026-05-04 08:15:00,gpt-4o,openai,0.0,1000,100,,")
    assert priced.cost_usd == Decimal(1_000) * Decimal("2.5") / 1_000_000 + Decimal(100) * 10 / 1_000_000
    assert litellm("a,2026-05-04 08:15:00,engine-9000,acme,0,1000,100,,").cost_usd is None
    assert litellm("a,2026-05-04 08:15:00,llama3,ollama,0,1000,100,,").cost_usd == 0
    assert litellm("a,2026-05-04 08:15:00,gpt-4o,openai,0,0,0,,").cost_usd == 0


def test_litellm_request_on_a_plan_is_included() -> None:
    record = litellm("a,2026-05-04 08:15:00,gpt-5.2,github_copilot,0.0,1000,100,,")
    assert (record.provider, record.cost_basis) == ("github-copilot", "included")


def test_answer_from_litellms_cache_used_nothing() -> None:
    record = litellm("chatcmpl-1,2026-05-04 08:15:00,gpt-4o,openai,0.0,1000,100,True,")
    assert (record.cost_usd, record.tokens_used, record.request_count) == (Decimal(0), 0, 1)
    assert record.source_key != request_identity("chatcmpl-1")


def test_cached_tokens_are_read_from_a_json_cell_and_a_json_file() -> None:
    cells, document = (load_sample(name) for name in ("litellm_logs", "litellm_logs_json"))
    records = []
    for name, content in (cells, document):
        tables = read_tables(content, name)
        importer = identify(tables[0])
        assert importer is not None
        records.append(importer.parse(tables[0], Options()).records[0])
    assert records[0] == records[1]
    assert (records[0].cached_input_tokens, records[0].reasoning_tokens) == (1000, 64)


def test_litellm_sums_by_team_are_refused_as_duplicates() -> None:
    header = "id,team_id,date,api_key,model,spend,api_requests,prompt_tokens,completion_tokens\n"
    with pytest.raises(ImportRefused) as refused:
        parse(f"{header}1,t,2026-05-04,k,m,1,1,1,1\n")
    assert str(refused.value) == (
        "export.csv is LiteLLM's spend by team, tag or organization, which would count the same requests "
        "again. Export LiteLLM_DailyUserSpend or LiteLLM_SpendLogs instead."
    )
