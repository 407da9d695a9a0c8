"""Provider exports: restated days, merged rows, spreadsheets in between, billing accounts."""

from datetime import date
from decimal import Decimal

import pytest

from tally.importers import Options, Parsed, identify, read_table
from tally.ledger.billing_account import AccountDay, account_day
from tests.every_case import every_case

COST = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id\n"
USAGE = (
    "start_time,end_time,start_time_iso,end_time_iso,num_model_requests,model,input_tokens,output_tokens\n"
)
DAY = "1793577600,1793664000,2026-11-02T00:00:00+00:00,2026-11-03T00:00:00+00:00"
CLAUDE_COST = "usage_date_utc,model,workspace,api_key,usage_type,context_window,token_type,cost_usd,cost_type"


def parse(text: str, options: Options | None = None) -> Parsed:
    table = read_table(text.encode(), "export.csv")
    importer = identify(table)
    assert importer is not None
    return importer.parse(table, options or Options())


def test_restated_day_keeps_its_identity() -> None:
    morning = parse(f'{COST}{DAY},0.10,usd,"gpt-5.5, input",p\n').records[0]
    evening = parse(f'{COST}{DAY},0.35,usd,"gpt-5.5, input",p\n').records[0]
    assert (morning.source_key, morning.timestamp) == (evening.source_key, evening.timestamp)
    assert morning.cost_usd != evening.cost_usd


def test_columns_of_a_later_export_do_not_change_the_identity() -> None:
    old = parse(f"{CLAUDE_COST}\n2026-11-02,Claude Opus 5,Default,k,message,≤ 200k,output,1.00,token\n")
    new = parse(
        f"{CLAUDE_COST},list_price_usd,inference_geo,speed,api_key_id\n"
        "2026-11-02,Claude Opus 5,Default,k,message,≤ 200k,output,1.00,token,1.00,global,,apikey_1\n"
    )
    assert old.records == new.records


def test_every_dimension_makes_another_event() -> None:
    row = ["2026-11-02", "Claude Opus 5", "Default", "k", "message", "≤ 200k", "output", "1.00", "token"]
    rows = [row] + [
        [*row[:index], "2026-11-03" if index == 0 else "other", *row[index + 1 :]]
        for index in range(9)
        if index != 7
    ]
    parsed = parse("\n".join([CLAUDE_COST, *(",".join(cells) for cells in rows)]))
    assert len({record.source_key for record in parsed.records}) == len(rows)


def test_rows_of_one_event_are_summed_and_counted() -> None:
    parsed = parse(f"{USAGE}{DAY},2,gpt-5.5,100,10\n{DAY},3,gpt-5.5,200,20\n{DAY},x,gpt-5.5,1,1\n")
    assert parsed.lines == [(2, 3)]
    assert (parsed.rows_read, len(parsed.records), parsed.rows_merged, len(parsed.rejected)) == (3, 1, 1, 1)
    record = parsed.records[0]
    assert (record.input_tokens, record.output_tokens, record.request_count) == (300, 30, 5)
    assert record.cost_usd == Decimal("300") * 5 / 1_000_000 + Decimal("30") * 30 / 1_000_000


def test_events_of_two_accounts_have_different_identities() -> None:
    text = f"{COST}{DAY},0.10,usd,x,p\n"
    first, second = (parse(text, Options(account=account)).records[0] for account in ("", "work"))
    assert first.source_key != second.source_key
    assert (first.billing_account, second.billing_account) == ("openai", "openai:work")


ORGANIZATION = (
    "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,organization_id\n"
)


@every_case(
    [
        ("org-1", "", "openai:@org-1"),
        ("", "", "openai"),
        ("org-1", "work", "openai:work"),
        ("", "org-2", "openai:@org-2"),
        ("", "@home", "openai:home"),
        ("not an id", "", "openai"),
        ("x" * 101, "", "openai"),
    ]
)
def test_billing_account_is_the_one_that_the_user_or_the_file_names(
    organization: str, account: str, expected: str
) -> None:
    text = f"{ORGANIZATION}{DAY},0.10,usd,x,{organization}\n"
    [record] = parse(text, Options(account=account)).records
    assert record.billing_account == expected


def test_organizations_of_one_file_have_different_billing_accounts_and_the_same_identities() -> None:
    rows = "".join(f"{DAY},0.10,usd,x,{organization}\n" for organization in ("org-1", "org-2"))
    first, second = parse(ORGANIZATION + rows).records
    assert (first.billing_account, second.billing_account) == ("openai:@org-1", "openai:@org-2")
    assert first.source_key != second.source_key


def test_iso_times_replace_missing_unix_seconds() -> None:
    expected = parse(f"{COST}{DAY},0.10,usd,x,p\n").records
    iso = ",,2026-11-02T00:00:00,2026-11-03T00:00:00"
    assert parse(f"{COST}{iso},0.10,usd,x,p\n").records == expected


@every_case(
    [
        (f"{DAY},abc,usd,x,p", 'The amount_value "abc" is not a number.'),
        (f"{DAY},1,xyz,x,p", "The European Central Bank publishes no rate of XYZ;"),
        (f"{DAY},1,,x,p", 'The currency "" is unknown; write its code, such as EUR.'),
        (
            "soon,later,,,1,usd,x,p",
            'The date "soon" is not in the provider\'s format; import the file as downloaded.',
        ),
        (
            ",,11/02/2026,11/03/2026,1,usd,x,p",
            'The date "11/02/2026" is not in the provider\'s format; import the file as downloaded.',
        ),
        (
            "1793664000,1793577600,,,1,usd,x,p",
            'Its end "1793577600" is not after its start "1793664000".',
        ),
        ("1000000000,1000086400,,,1,usd,x,p", "The date"),
        (f"{DAY},1,usd,{'x' * 201},p", "The line_item has 201 characters; the limit is 200."),
        (f"{DAY},1,usd,x\x07,p", 'The line_item "x\N{REPLACEMENT CHARACTER}" contains control characters.'),
    ]
)
def test_bad_row_of_an_export_is_rejected_with_its_reason(row: str, reason: str) -> None:
    parsed = parse(f"{COST}{row}\n")
    assert parsed.records == []
    assert parsed.rejected[0].reason.startswith(reason)


def test_export_saved_by_a_german_spreadsheet_gives_the_same_records() -> None:
    expected = parse(f'{COST}{DAY},1234.5,usd,"gpt-5.5, input",p\n').records
    german = (
        f"{COST}{DAY},1234#5,usd,gpt-5.5@ input,p\n".replace(",", ";").replace("#", ",").replace("@", ",")
    )
    assert parse(german).records == expected


def account_days(parsed: Parsed) -> set[AccountDay | None]:
    return {account_day(record) for record in parsed.records}


@pytest.mark.parametrize("bucket", [DAY, "1793610000,1793610060,,"])
def test_usage_of_a_day_or_minute_belongs_to_the_account_day_of_its_bill(bucket: str) -> None:
    bill = parse(f"{COST}{DAY},0.35,usd,x,p\n")
    usage = parse(f"{USAGE}{bucket},2,gpt-5.5,100,10\n")
    assert account_days(bill) == account_days(usage) == {("openai", date(2026, 11, 2))}
    assert [record.cost_basis for record in (*bill.records, *usage.records)] == ["billed", "estimated"]


def test_usage_of_the_next_day_belongs_to_another_account_day() -> None:
    bill = parse(f"{COST}{DAY},0.35,usd,x,p\n")
    usage = parse(f"{USAGE}1793664000,1793750400,,,1,gpt-5.5,1000,10\n")
    assert account_days(bill).isdisjoint(account_days(usage))


def test_bill_of_another_account_belongs_to_another_account_day() -> None:
    bill = parse(f"{COST}{DAY},0.35,usd,x,p\n", Options(account="work"))
    assert account_days(bill).isdisjoint(account_days(parse(f"{USAGE}{DAY},2,gpt-5.5,100,10\n")))


def test_generic_tables_have_no_billing_account() -> None:
    assert account_days(parse("date,provider,cost\n2026-11-02,OpenAI,5\n")) == {None}
