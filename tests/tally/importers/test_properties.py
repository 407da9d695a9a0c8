"""Properties of every parsed file, with random and hostile cells."""

import csv
import io
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tally.core.records import to_columns
from tally.importers import ImportRefused, Options, Parsed, Question, find_importer, identify, read_table

HEADERS = {
    "generic": "date,provider,model,cost,tokens,requests,note,currency,charge_type",
    "openai_cost": "start_time,end_time,start_time_iso,amount_value,amount_currency,line_item,project_id",
    "openai_usage": "start_time,end_time,num_model_requests,model,batch,input_tokens,output_tokens",
    "anthropic_cost": "usage_date_utc,model,workspace,api_key,context_window,token_type,cost_usd,cost_type",
    "anthropic_usage": "usage_date_utc,model_version,api_key,usage_input_tokens_no_cache,usage_output_tokens",
    "cursor": "Date,Kind,Model,Input (w/ Cache Write),Cache Read,Output Tokens,Total Tokens,Cost",
    "cursor of sums": "Date,User,Kind,Max Mode,Model,Tokens,Cost ($)",
    "copilot": "date,username,sku,model,quantity,gross_amount,net_amount,input,cache_read,output",
    "copilot of uses": "Timestamp,User,Model,Requests Used,Exceeds Monthly Quota,Total Monthly Quota",
    "deepseek": "utc_date,model,wallet_type,cost,currency",
    "deepseek of amounts": "start_time_iso,end_time_iso,model,api_key_name,type,price,amount",
    "openrouter": "generation_id,created_at,cost_total,tokens_prompt,tokens_cached,model_permaslug,cancelled",
    "litellm": "request_id,startTime,model,spend,prompt_tokens,completion_tokens,metadata,cache_hit",
    "litellm of days": "user_id,date,model,spend,api_requests,prompt_tokens,completion_tokens",
    "helicone": "response_id,response_status,request_created_at,model,prompt_tokens,completion_tokens,cost",
    "langfuse": "id,traceId,type,startTime,model,usageDetails,usageDetails.input,costDetails,totalCost",
    "azure": "Date,MeterCategory,MeterName,CostInBillingCurrency,BillingCurrency,ChargeType,ResourceId",
    "google_billing": "service.description,sku.description,usage_start_time,cost,currency,credits,cost_type",
    "ccusage": "date,modelName,inputTokens,outputTokens,cacheCreationTokens,cacheReadTokens,cost",
}
NUMBERS = ["", "0", "1", "1.5", "1,234", "1.234,5", "-3", "NaN", "1e3", "(2)", "$5", "5 €", "10.0", "9" * 30]
DATES = [
    "2026-11-02",
    "2026-11-03",
    "03/04/2026",
    "25/04/2026",
    "2026-02-30",
    "2026-11-02 10:00",
    "1793577600",
    "1793664000",
]
TEXTS = ["", "OpenAI", "gpt-5.5", "Claude Opus 5", "usd", "eur", "credit", "usage", "FALSE", "≤ 200k", "=1+1"]
TEXTS += [
    "GENERATION",
    "Azure OpenAI",
    "Vertex AI",
    '[{"amount": -1}]',
    "Included",
    "On-Demand",
    "True",
    "gen-1",
    "msg_1",
    "CNY",
    "output_tokens",
    "request_count",
    '{"a":1}',
]
HOSTILE = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=4, max_size=24)
SEEDS = st.integers(0, 2**32)
OPTIONS = st.sampled_from(
    [
        Options(timezone="Asia/Kathmandu", day_first=day_first, decimal_comma=decimal_comma)
        for day_first in (False, True)
        for decimal_comma in (False, True)
    ]
)
MAX_ROWS, HOSTILE_CELLS, HOSTILE_LENGTH = 8, 8, 12


def write(header: list[str], rows: list[list[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([header, *rows])
    return buffer.getvalue().encode()


def make_rows(header: list[str], seed: int, hostile: str) -> list[list[str]]:
    """Rows that mostly fit the header; drawing each row and cell took most of the time."""
    random = Random(seed)
    starts = [random.randrange(len(hostile)) for _ in range(HOSTILE_CELLS)]
    texts = [hostile[start : start + random.randint(0, HOSTILE_LENGTH)] for start in starts]
    cells = [*NUMBERS, *DATES, *TEXTS, *texts]
    widths = [len(header)] * 5 + [max(1, len(header) - 1), len(header) + 1]
    return [random.choices(cells, k=random.choice(widths)) for _ in range(random.randint(1, MAX_ROWS))]


def parse(name: str, data: bytes, options: Options) -> Parsed | None:
    """The parsed file, None where it is refused or asks a question; nothing else may be raised."""
    try:
        table = read_table(data, "usage.csv")
        return find_importer(name.partition(" ")[0]).parse(table, options)
    except (ImportRefused, Question):
        return None


@pytest.mark.parametrize("name", HEADERS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS, hostile=HOSTILE, options=OPTIONS)
def test_every_row_is_once_a_record_or_rejected(name: str, seed: int, hostile: str, options: Options) -> None:
    header = HEADERS[name].split(",")
    rows = make_rows(header, seed, hostile)
    content = write(header, rows)
    parsed = parse(name, content, options)
    if parsed is None:
        assert not any(cell.strip() for row in rows for cell in row)
        return
    assert parse(name, content, options) == parsed
    assert parsed.rows_read + parsed.rows_blank == len(rows)
    check_lines(parsed)
    check_records(parsed)


def check_lines(parsed: Parsed) -> None:
    """Each line belongs to one record or one rejection."""
    assert parsed.rows_read == len(parsed.records) + len(parsed.rejected) + parsed.rows_merged
    assert len(parsed.lines) == len(parsed.records)
    lines = [line for record_lines in parsed.lines for line in record_lines]
    assert len(set(lines)) == len(lines)
    assert not set(lines) & {rejected.line for rejected in parsed.rejected}


def check_records(parsed: Parsed) -> None:
    """Records have identities of their own, and rejections a line and a reason."""
    assert len({(record.source_key, record.timestamp) for record in parsed.records}) == len(parsed.records)
    assert all(len(column) == len(parsed.records) for column in to_columns(parsed.records).values())
    assert all(rejected.reason.endswith(".") and rejected.line >= 2 for rejected in parsed.rejected)


@pytest.mark.parametrize("name", HEADERS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS, hostile=HOSTILE)
def test_order_of_rows_does_not_matter(name: str, seed: int, hostile: str) -> None:
    header = HEADERS[name].split(",")
    rows = make_rows(header, seed, hostile)
    options = Options(day_first=True, decimal_comma=False)
    parsed = parse(name, write(header, rows), options)
    turned = parse(name, write(header, Random(seed).sample(rows, len(rows))), options)
    assert (parsed is None) == (turned is None)
    if parsed and turned:
        assert {record.source_key: record for record in parsed.records} == {
            record.source_key: record for record in turned.records
        }
        assert len(parsed.rejected) == len(turned.rejected)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_reason(content: bytes) -> None:
    try:
        table = read_table(content, "usage.csv")
    except ImportRefused as refused:
        reason = str(refused)
        assert reason.endswith(".")
        return
    importer = identify(table) or find_importer("generic")
    try:
        importer.parse(table, Options())
    except (ImportRefused, Question) as refused:
        reason = str(refused)
        assert reason.endswith((".", "?"))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(["a", "b,c", 'd"e', "f\ng", "h;i", "j\tk", "l\r\nm"]), min_size=2, max_size=2
        ),
        min_size=1,
    )
)
def test_line_numbers_match_a_text_editor(rows: list[list[str]]) -> None:
    content = write(["x", "y"], rows)
    lines = io.StringIO(content.decode(), newline="").readlines()
    table = read_table(content, "usage.csv")
    assert [list(cells) for _, cells in table.rows] == rows
    for line, cells in table.rows:
        start = io.StringIO(newline="")
        csv.writer(start).writerow(cells)
        assert "".join(lines[line - 1 :]).startswith(start.getvalue())
