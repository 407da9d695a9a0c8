"""Bills of clouds: the AI services in them, their models, credits, currencies and periods."""

from datetime import date
from decimal import Decimal

import pytest

from tally.core.records import NO_MODEL, CostRecord
from tally.importers import ImportRefused, Options, Parsed, identify_all, parse_tables, read_tables
from tally.importers.bedrock_lines import model_of
from tally.importers.metered_tokens import Quantity, count_tokens
from tally.importers.preview import describe_parsed
from tally.pricing.usage import Usage
from tests.every_case import every_case

COST_TABLE = (
    "Billing account name,Billing account ID,Project name,Project ID,Service description,Service ID,"
    "SKU description,SKU ID,Credit type,Cost type,Usage start date,Usage end date,Usage amount,Usage unit,"
    "Unrounded Cost ({currency}),Cost ({currency})\n"
)
FOCUS = (
    "BilledCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName,"
    "InvoiceIssuerName,ServiceCategory,ServiceName,ChargeDescription,ConsumedQuantity,ConsumedUnit\n"
)
NOVEMBER_2 = "2026-11-02T00:00:00Z,2026-11-03T00:00:00Z"


def parse(text: str) -> tuple[str, Parsed]:
    tables = read_tables(text.encode(), "bill.csv")
    importer = identify_all(tables)
    assert importer is not None
    return importer.name, parse_tables(importer, tables, Options())


def only(text: str) -> CostRecord:
    _, parsed = parse(text)
    assert parsed.rejected == []
    assert len(parsed.records) == 1
    return parsed.records[0]


def cost_row(cost: str, service: str = "Gemini API", credit: str = "", kind: str = "Usage") -> str:
    sku = "Generate content output token count gemini 2.5 pro short text"
    period = "2026-09-01,2026-09-30"
    return (
        f"BA,0A-0B-0C,Garden,garden-1,{service},S,{sku},K,{credit},{kind},{period},10,count,{cost},{cost}\n"
    )


def total_row(cost: str) -> str:
    return f",,,,,,,,,Total,,,,,{cost},{cost}\n"


def preamble(currency: str, due: str) -> str:
    return f'Invoice number,1,\nInvoice date,2026-09-30,\n\nCurrency,{currency},\nTotal amount due,"{due}",\n'


def focus_row(cost: str, provider: str, service: str, description: str = "", **others: str) -> str:
    said = {
        "currency": "USD",
        "period": NOVEMBER_2,
        "category": "Usage",
        "issuer": provider,
        "kind": "AI and Machine Learning",
        "used": ",",
        **others,
    }
    return (
        f"{cost},{said['currency']},{said['period']},{said['category']},{provider},{said['issuer']},"
        f'{said["kind"]},{service},"{description}",{said["used"]}\n'
    )


def test_cost_table_is_billed_on_the_first_day_of_its_period() -> None:
    record = only(COST_TABLE.format(currency="$") + cost_row("2.50"))
    assert (record.cost_usd, record.cost_basis, record.day) == (Decimal("2.50"), "billed", date(2026, 9, 1))
    assert (record.model_name, record.metadata["usage_end_date"]) == ("gemini-2.5-pro", "2026-09-30")


def test_bill_of_a_longer_period_says_on_which_day_it_counts() -> None:
    month, day = cost_row("2.50"), cost_row("1").replace("2026-09-30", "2026-09-01")
    _, parsed = parse(COST_TABLE.format(currency="$") + month + day)
    assert describe_parsed(parsed) == [
        "1 record of a longer period than a day: the amount counts on the first day of its period, "
        "and replaces no estimates of the others."
    ]
    november = "2026-11-01T00:00:00Z,2026-12-01T00:00:00Z"
    _, of_focus = parse(
        FOCUS
        + focus_row("9", "AWS", "Amazon Bedrock", period=november)
        + focus_row("1", "AWS", "Amazon Bedrock")
    )
    assert len(describe_parsed(of_focus)) == 1


def test_total_rounding_and_other_services_are_left_out_and_counted() -> None:
    rows = cost_row("2.50") + cost_row("900", "Compute Engine") + total_row("902.50")
    _, parsed = parse(COST_TABLE.format(currency="$") + rows)
    assert sum(record.cost_usd or 0 for record in parsed.records) == Decimal("2.50")
    assert parsed.skipped == {"of services other than AI": 2}


def test_credits_of_a_cost_table_reduce_the_bill() -> None:
    rows = cost_row("10") + cost_row("-9.75", credit="Promotional credit") + total_row("0.25")
    _, parsed = parse(preamble("USD", "$0.25") + COST_TABLE.format(currency="$") + rows)
    assert sum(record.cost_usd or 0 for record in parsed.records) == Decimal("0.25")
    assert [record.charge_type for record in parsed.records] == ["usage", "credit"]


def test_cost_table_without_the_credits_that_paid_it_is_refused() -> None:
    rows = cost_row("1000") + total_row("1000")
    with pytest.raises(ImportRefused, match="leaves out credits"):
        parse(preamble("USD", "$5.72") + COST_TABLE.format(currency="$") + rows)


@pytest.mark.parametrize(("above", "sign"), [("AUD", "$"), ("AUD", "A$"), ("", "A$")])
def test_invoice_names_the_currency_of_a_cost_table(above: str, sign: str) -> None:
    lines = preamble(above, "1,000.00") if above else ""
    record = only(lines + COST_TABLE.format(currency=sign) + cost_row("10"))
    assert record.metadata["original_currency"] == "AUD"
    assert record.cost_usd is not None
    assert record.cost_usd < 10


def test_lines_above_the_header_do_not_shift_line_numbers() -> None:
    rows = cost_row("free") + cost_row("1")
    _, parsed = parse(preamble("USD", "$1") + COST_TABLE.format(currency="$") + rows)
    assert [rejected.line for rejected in parsed.rejected] == [7]
    assert parsed.lines == [(8,)]


@every_case(
    [
        ("Microsoft", "Azure OpenAI", "gpt 4o 1120 Inp glbl Tokens", "azure", "gpt-4o"),
        ("Microsoft", "Foundry Models", "5.4 mini cchd inp DZ 1M Tokens", "azure", "gpt-5.4-mini"),
        ("AWS", "Claude Sonnet 4.5 (Amazon Bedrock Edition)", "", "aws-bedrock", "claude-sonnet-4-5"),
        ("AWS", "Amazon Bedrock", "USE1-NovaPro-input-tokens", "aws-bedrock", "nova-pro"),
        ("AWS", "Amazon Bedrock", "Llama3-3-70B output tokens", "aws-bedrock", "llama-3.3-70b-instruct"),
        ("AWS", "Amazon Bedrock", "Nova Pro cached input tokens", "aws-bedrock", "nova-pro"),
        ("AWS", "Amazon Bedrock", "USE1-Guardrail-ContentPolicyUnits", "aws-bedrock", NO_MODEL),
        ("Google Cloud", "Vertex AI", "Gemini 2.5 Flash Lite Text Input", "google", "gemini-2.5-flash-lite"),
        ("Google", "Vertex AI", "Claude Opus 4.5 Input Tokens", "google", "claude-opus-4-5"),
        ("Oracle", "OCI Generative AI", "Large Cohere", "other", NO_MODEL),
        ("Anthropic", "Claude API", "claude-sonnet-4-5 Output tokens", "anthropic", "claude-sonnet-4-5"),
    ]
)
def test_focus_names_the_seller_and_the_model(
    provider: str, service: str, description: str, slug: str, model: str
) -> None:
    record = only(FOCUS + focus_row("1.5", provider, service, description))
    assert (record.provider, record.model_name, record.cost_basis) == (slug, model, "billed")


@pytest.mark.parametrize("service", ["Amazon EC2", "Virtual Machines", "BigQuery"])
def test_other_services_of_focus_are_skipped_and_counted(service: str) -> None:
    rows = focus_row("9", "AWS", service, kind="Compute") + focus_row("1", "AWS", "Amazon Bedrock")
    name, parsed = parse(FOCUS + rows)
    assert (name, len(parsed.records), parsed.skipped) == ("focus", 1, {"of services other than AI": 1})


@every_case(
    [
        ("Usage", "1", "usage"),
        ("Usage", "-1", "adjustment"),
        ("Purchase", "20", "subscription"),
        ("Credit", "-1", "credit"),
        ("Tax", "1", "tax"),
        ("Adjustment", "-1", "adjustment"),
    ]
)
def test_charge_category_of_focus_is_the_charge_type(category: str, cost: str, charge_type: str) -> None:
    record = only(FOCUS + focus_row(cost, "AWS", "Amazon Bedrock", category=category))
    assert record.charge_type == charge_type
    # A record without a model would cover all other usage of its day.
    assert (record.model_name == NO_MODEL) == (category == "Usage")


@every_case([("estimated", "estimated"), ("included", "included"), ("billed", "billed"), ("", "billed")])
def test_cost_basis_of_focus_is_kept(basis: str, expected: str) -> None:
    text = FOCUS.replace("ConsumedUnit", "ConsumedUnit,x_CostBasis")
    row = focus_row("1", "Anthropic", "Claude API", used=f",,{basis}")
    assert only(text + row).cost_basis == expected


def test_focus_of_litellm_is_an_estimate() -> None:
    row = focus_row("1", "anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5", used="1.0,Requests")
    assert only(FOCUS + row).cost_basis == "estimated"


@every_case(
    [
        (NOVEMBER_2, date(2026, 11, 2), 12),
        ("2026-11-02T00:00Z,2026-11-03T00:00Z", date(2026, 11, 2), 12),
        ("2026-11-02,2026-11-03", date(2026, 11, 2), 12),
        ("2026-11-02T00:00:00Z,2026-11-02T23:59:59Z", date(2026, 11, 2), 12),
        ("2026-11-02T08:00:00Z,2026-11-02T09:00:00Z", None, 8),
        ("2026-11-01T00:00:00Z,2026-12-01T00:00:00Z", date(2026, 11, 1), 12),
    ]
)
def test_charge_period_of_focus_is_a_day_or_an_instant(period: str, day: date | None, hour: int) -> None:
    record = only(FOCUS + focus_row("1", "AWS", "Amazon Bedrock", period=period))
    assert (record.day, record.timestamp.hour) == (day, hour)


def test_focus_is_converted_from_the_currency_of_the_bill() -> None:
    record = only(FOCUS + focus_row("1", "Microsoft", "Azure OpenAI", currency="EUR"))
    assert (record.metadata["original_currency"], record.metadata["original_amount"]) == ("EUR", "1")
    assert record.cost_usd is not None
    assert record.cost_usd != 1


@every_case(
    [
        ("500", "1K Tokens", "gpt 4o 1120 Inp glbl", Usage(input_tokens=500_000)),
        ("1.5", "1M Tokens", "GPT 5 outpt DZone", Usage(output_tokens=1_500_000)),
        ("12", "Tokens", "5.4 cchd inp Gl", Usage(input_tokens=12, cached_input_tokens=12)),
        ("2", "1K tokens", "cache-write input", Usage(input_tokens=2_000, cache_write_tokens=2_000)),
        ("2", "1K tokens", "cache read input", Usage(input_tokens=2_000, cached_input_tokens=2_000)),
        ("1.796", "Units", "OutputTokenCount", Usage()),
        ("24", "Hrs", "hosting", Usage()),
        ("7", "Tokens", "no direction", Usage()),
    ]
)
def test_quantity_in_tokens_is_counted_by_the_direction_of_its_meter(
    amount: str, unit: str, words: str, usage: Usage
) -> None:
    assert count_tokens(Quantity(Decimal(amount), unit), [words]) == usage


@every_case(
    [
        ("Amazon Bedrock", "USE1-Claude4.6Sonnet-input-tokens", "", "claude-sonnet-4-6"),
        ("", "USE1-Claude4.6Opus-cache-read-input-token-count-cross-region-global", "", "claude-opus-4-6"),
        (
            "",
            "USW2-anthropic.claude-opus-4-8-mantle-cache-write-tokens-global-standard",
            "",
            "claude-opus-4-8",
        ),
        (
            "Claude Opus 4.5 (Amazon Bedrock Edition)",
            "USE1-MP:USE1_InputTokenCount-Units",
            "",
            "claude-opus-4-5",
        ),
        ("Amazon Bedrock", "USE1-NovaPro-output-tokens", "", "nova-pro"),
        ("", "EU-Nova2.0Lite-input-tokens-cross-region-global", "", "nova-2-lite"),
        ("", "EU-Qwen3-VL-235B-A22B-input-tokens", "", "qwen3-vl-235b-a22b"),
        ("", "USE1-DeepSeek-R1-input-tokens", "", "deepseek-r1"),
        ("", "USE1-MistralSmall-input-tokens-batch", "", "mistral-small"),
        (
            "Amazon Bedrock",
            "USE1-anything",
            "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "claude-sonnet-4-5",
        ),
        ("", "USE1-Llama3-3-70B-input-tokens", "", "llama-3.3-70b-instruct"),
        ("Meta Llama 3.3 70B (Amazon Bedrock Edition)", "", "", "llama-3.3-70b-instruct"),
        ("Amazon Bedrock", "USE1-Llama4-Scout-17B-output-tokens", "", "llama-4-scout-17b-instruct"),
        ("Amazon Bedrock", "EUW1-Claude-Haiku-output-tokens", "", NO_MODEL),
        ("Amazon Bedrock", "USE1-GuardrailsTextUnit", "", NO_MODEL),
        ("", "", "", NO_MODEL),
    ]
)
def test_line_of_bedrock_gives_the_model_name_of_other_sources(
    product: str, usage_type: str, resource: str, model: str
) -> None:
    assert model_of(product, usage_type, resource) == model
