"""Failed requests cost what their source says; a cost of zero is only unknown for answered ones."""

from decimal import Decimal

import pytest

from tally.importers import Options, find_importer, identify, read_table
from tests.every_case import every_case

LITELLM = "request_id,startTime,model,custom_llm_provider,spend,prompt_tokens,completion_tokens,status\n"
LITELLM_ROW = "r-1,2026-08-20 12:00:00.000,gpt-4o,openai,{cost},100000,0,{status}\n"
LANGFUSE = "id,trace_id,type,start_time,model,usage_details,total_cost,level\n"
USAGE = '"{{""input"": 100000, ""total"": 100000}}"'
LANGFUSE_ROW = f"o-1,t-1,GENERATION,2026-08-20 12:00:00.000,gpt-4o,{USAGE},{{cost}},{{status}}\n"
HELICONE = "response_id,request_created_at,model,prompt_tokens,completion_tokens,cost,response_status\n"
HELICONE_ROW = "r-1,2026-08-20T12:00:00Z,gpt-4o,100000,0,{cost},{status}\n"
LIST_PRICE = Decimal("0.25")  # 100,000 input tokens of gpt-4o


@every_case(
    [
        ("litellm", LITELLM + LITELLM_ROW, "failure", "success"),
        ("langfuse", LANGFUSE + LANGFUSE_ROW, "ERROR", "DEFAULT"),
        ("langfuse", LANGFUSE + LANGFUSE_ROW, "error", "WARNING"),
        ("helicone", HELICONE + HELICONE_ROW, "500", "200"),
        ("helicone", HELICONE + HELICONE_ROW, "429", ""),
    ]
)
def test_zero_is_the_cost_of_a_failed_request_alone(
    importer: str, text: str, failed: str, answered: str
) -> None:
    assert cost_of(importer, text.format(cost="0", status=failed)) == 0
    assert cost_of(importer, text.format(cost="0.02", status=failed)) == Decimal("0.02")
    assert cost_of(importer, text.format(cost="0", status=answered)) == LIST_PRICE
    assert cost_of(importer, text.format(cost="0.02", status=answered)) == Decimal("0.02")


@pytest.mark.parametrize(
    ("importer", "text", "failed"),
    [("langfuse", LANGFUSE + LANGFUSE_ROW, "ERROR"), ("helicone", HELICONE + HELICONE_ROW, "500")],
)
def test_used_tokens_without_any_cost_have_the_list_price(importer: str, text: str, failed: str) -> None:
    assert cost_of(importer, text.format(cost="", status=failed)) == LIST_PRICE


@pytest.mark.parametrize(("status", "cost"), [("failure", Decimal(0)), ("success", LIST_PRICE)])
@pytest.mark.parametrize("column", ["", ",status"])
def test_status_of_older_versions_of_litellm_is_in_the_metadata(
    status: str, cost: Decimal, column: str
) -> None:
    header = LITELLM.replace(",status", f"{column},metadata")
    metadata = '"{""status"": ""' + status + '""}"'
    row = LITELLM_ROW.format(cost="0", status="").replace("0,0,\n", f"0,0{',' * bool(column)},{metadata}\n")
    assert cost_of("litellm", header + row) == cost


def cost_of(importer: str, text: str) -> Decimal | None:
    table = read_table(text.encode(), "export.csv")
    assert identify(table) is find_importer(importer)
    parsed = find_importer(importer).parse(table, Options())
    assert parsed.rejected == []
    [record] = parsed.records
    assert record.input_tokens == 100_000
    return record.cost_usd
