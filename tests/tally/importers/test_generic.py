"""The table of costs: columns, questions, rejected rows and identities."""

import json
from datetime import date
from decimal import Decimal

import pytest

from tally.importers import (
    AmbiguousDates,
    AmbiguousNumbers,
    ImportRefused,
    MissingColumns,
    Options,
    Parsed,
    generic,
    identify,
    parse_tables,
    read_table,
)
from tally.importers.preview import describe_parsed
from tests.every_case import every_case


def parse(text: str, options: Options | None = None) -> Parsed:
    return generic.parse(read_table(text.encode(), "usage.csv"), options or Options())


def rejection_of(row: str, header: str = "date,provider,model,cost,tokens,requests,note") -> str:
    parsed = parse(f"{header}\n{row}\n")
    assert parsed.records == []
    assert parsed.rejected[0].line == 2
    return parsed.rejected[0].reason


def test_template_can_be_imported_unchanged() -> None:
    table = read_table(generic.template(), "template.csv")
    assert identify(table) is generic
    parsed = generic.parse(table, Options())
    assert parsed.rejected == []
    assert [record.provider for record in parsed.records] == ["openai", "anthropic", "chatgpt"]


@every_case(
    [
        (header,)
        for header in [
            "Date,Cost",
            "DAY;Amount (USD)",
            "timestamp,cost_usd,model_name",
            "Usage date,Total cost,Vendor",
            "Time,Cost ($)",
        ]
    ]
)
def test_common_headers_are_recognised(header: str) -> None:
    table = read_table(f"{header}\n2026-11-02,1,x\n".encode(), "usage.csv")
    assert identify(table) is generic


def test_purposes_of_a_charge_are_kept_where_rules_look_for_them() -> None:
    text = "date,cost,Team,User Email,client,Tags\n2026-11-02,1,Website,ada@example.com,Acme,a; b|a,\n"
    [record] = parse(text).records
    assert record.metadata == {
        "project": "Website",
        "actor": "ada@example.com",
        "end_user": "Acme",
        "tags": ["a", "b"],
    }


def test_purposes_do_not_change_what_a_row_is() -> None:
    """A file that was imported before its columns were mapped must not be counted twice."""
    [bare] = parse("date,cost\n2026-11-02,1\n").records
    [told] = parse("date,cost,project,tags\n2026-11-02,1,Website,x\n").records
    assert bare.source_key == told.source_key


@pytest.mark.parametrize(
    ("header", "cell", "reason"),
    [
        ("project", "p" * 201, "The project has 201 characters; the limit is 200."),
        ("person", "a\x07b", 'The person "a\N{REPLACEMENT CHARACTER}b" contains control characters.'),
        ("tags", ";".join(map(str, range(21))), "The row has 21 tags; the limit is 20."),
    ],
)
def test_unreadable_purpose_rejects_the_row(header: str, cell: str, reason: str) -> None:
    assert rejection_of(f"2026-11-02,1,{cell}", f"date,cost,{header}") == reason


def test_columns_that_are_left_out_are_named() -> None:
    parsed = parse("date,bar,cost,foo,,note\n2026-11-02,Website,1,a,b,c\n")
    assert describe_parsed(parsed)[0] == 'Not imported: "bar", "foo".'
    mapped = parse("date,foo,provider,cost\n2026-11-02,a,OpenAI,1\n", Options(mapping={"foo": "note"}))
    assert describe_parsed(mapped) == []


def test_records_that_go_under_other_are_counted() -> None:
    parsed = parse("date,provider,cost\n2026-11-02,OpenAI,1\n2026-11-02,Unheard of,2\n2026-11-02,,3\n")
    sentence = "2 records under Other: the file names no provider for them that Tally knows."
    assert describe_parsed(parsed) == [sentence]


def test_columns_of_all_files_of_an_archive_are_named() -> None:
    tables = [
        read_table(f"date,cost,{name}\n2026-11-02,1,x\n".encode(), f"{name}.csv") for name in ("foo", "bar")
    ]
    assert parse_tables(generic, tables, Options()).unused == ("foo", "bar")


def test_missing_columns_are_named_with_those_found() -> None:
    table = read_table(b"When,Who,Spent\n2026-11-02,OpenAI,5\n", "usage.csv")
    assert identify(table) is None
    with pytest.raises(MissingColumns) as refused:
        generic.parse(table, Options())
    assert str(refused.value) == (
        'usage.csv has no column for date and cost. It has "When", "Who", "Spent". '
        "Match the columns, or rename one."
    )
    assert (refused.value.missing, refused.value.found) == (("date", "cost"), ("When", "Who", "Spent"))


def test_mapping_adds_columns_and_takes_precedence_over_headings() -> None:
    text = "When,Who,Spent,Cost\n2026-11-02,OpenAI,5,7\n"
    record = parse(text, Options(mapping={"When": "date", "Spent": "cost", "Who": "provider"})).records[0]
    assert (record.provider, record.cost_usd) == ("openai", Decimal(5))


def test_mapping_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ImportRefused) as refused:
        parse("date,cost\n2026-11-02,5\n", Options(mapping={"gone": "note", "date": "dates"}))
    assert str(refused.value) == (
        'The column mapping does not fit usage.csv: "dates", "gone" is missing. Map its columns again.'
    )


def test_unknown_timezone_is_refused() -> None:
    with pytest.raises(ImportRefused) as refused:
        Options(timezone="Mars/Olympus")
    assert (
        str(refused.value)
        == 'The time zone "Mars/Olympus" is unknown. Choose yours in Settings and try again.'
    )


def test_ambiguous_dates_are_asked_about_and_the_answer_decides() -> None:
    text = "date,cost\n03/04/2026,1\n05/06/2026,2\n"
    with pytest.raises(AmbiguousDates) as question:
        parse(text)
    assert str(question.value) == (
        'Dates such as "03/04/2026", "05/06/2026" can be read in two ways. '
        "Does the day come first, or the month?"
    )
    assert question.value.examples == ("03/04/2026", "05/06/2026")
    days = {answer: parse(text, Options(day_first=answer)).records[0].day for answer in (True, False)}
    assert days == {True: date(2026, 4, 3), False: date(2026, 3, 4)}


def test_one_unambiguous_date_decides_the_whole_column() -> None:
    parsed = parse("date,cost\n03/04/2026,1\n25/04/2026,2\n")
    assert [str(record.day) for record in parsed.records] == ["2026-04-03", "2026-04-25"]


def test_contradicting_dates_are_asked_about_and_the_others_then_rejected() -> None:
    text = "date,cost\n25/04/2026,1\n04/26/2026,2\n"
    with pytest.raises(AmbiguousDates):
        parse(text)
    parsed = parse(text, Options(day_first=True))
    assert len(parsed.records) == 1
    assert parsed.rejected[0].reason == 'The date "04/26/2026" does not exist in the calendar.'


def test_ambiguous_costs_are_asked_about_and_the_answer_decides() -> None:
    text = 'date,cost\n2026-11-02,"1,234"\n'
    with pytest.raises(AmbiguousNumbers) as question:
        parse(text)
    assert str(question.value) == (
        'Costs such as "1,234" can be read in two ways. Is the decimal sign a comma or a point?'
    )
    costs = [parse(text, Options(decimal_comma=answer)).records[0].cost_usd for answer in (True, False)]
    assert costs == [Decimal("1.234"), 1234]


def test_costs_in_both_styles_are_asked_about() -> None:
    with pytest.raises(AmbiguousNumbers) as question:
        parse('date,cost\n2026-11-02,"$1,234.50"\n2026-11-02,"1.234,50"\n')
    assert question.value.examples == ("$1,234.50", "1.234,50")


@every_case([('"$1,234.50"', "1234.50"), ('"1.234,50"', "1234.50"), ("1.5e3", "1500"), ("0", "0")])
def test_costs_are_read_as_they_are_written(cell: str, cost_usd: str) -> None:
    assert parse(f"date,cost\n2026-11-02,{cell}\n").records[0].cost_usd == Decimal(cost_usd)


@every_case(
    [
        ("2026-02-30,,,1,,,", 'The date "2026-02-30" does not exist in the calendar.'),
        (",,,1,,,x", 'The date "" is empty.'),
        (
            "2019-12-31,,,1,,,",
            'The date "2019-12-31" is in the year 2019; Tally stores records from 2020 to 2100.',
        ),
        ("2026-11-02,,,,,,", 'The cost "" is empty (write 0 if it was free).'),
        ("2026-11-02,,,NaN,,,", 'The cost "NaN" is not a number.'),
        ("2026-11-02,,,5 ¥,,,", 'The cost "5 ¥" is not in US dollars; convert it first.'),
        ("2026-11-02,,,200000000,,,", "The cost is beyond 100,000,000 dollars."),
        (
            "2026-11-02,,,(5.00),,,",
            'The cost "(5.00)" is negative, which only a credit or an adjustment may be; '
            "set its charge_type.",
        ),
        ("2026-11-02,,,1,-5,,", 'The tokens "-5" is negative, and a count cannot be.'),
        ("2026-11-02,,,1,1.5,,", 'The tokens "1.5" is not a whole number.'),
        ("2026-11-02,,,1,1e300,,", 'The tokens "1e300" is too large for a count.'),
        ("2026-11-02,,,1,,few,", 'The requests "few" is not a number.'),
        (
            "2026-11-02,,m\x1b[31m,1,,,",
            'The model name "m\N{REPLACEMENT CHARACTER}[31m" contains control characters.',
        ),
        (f"2026-11-02,,{'m' * 10_000},1,,,", "The model name has 10,000 characters; the limit is 200."),
        (f"2026-11-02,{'p' * 201},,1,,,", "The provider name has 201 characters; the limit is 200."),
        (f"2026-11-02,,,1,,,{'n' * 1001}", "The note has 1,001 characters; the limit is 1,000."),
        (
            "2026-11-02,,,1,,,a\x00b".replace("\x00", "\x07"),
            'The note "a\N{REPLACEMENT CHARACTER}b" contains control characters.',
        ),
    ]
)
def test_bad_row_is_rejected_with_its_reason(row: str, reason: str) -> None:
    assert rejection_of(row) == reason


@every_case(
    [
        ("2026-11-02,5,euros?,", 'The currency "euros?" is unknown; write its code, such as EUR.'),
        (
            "2026-11-02,5,xyz,",
            "The European Central Bank publishes no rate of XYZ; convert it to US dollars first.",
        ),
        ("2026-11-02,€5,usd,", 'The cost "€5" is in EUR and its currency is given as USD; correct one.'),
        ("2026-11-02,$5,eur,", 'The cost "$5" is in USD and its currency is given as EUR; correct one.'),
        (
            "2026-11-02,5,,gift",
            'The charge type "gift" is unknown; use usage, subscription, credit, tax, adjustment.',
        ),
        ("2026-11-02,5,,credit", 'The cost "5" of a credit must be negative.'),
    ]
)
def test_bad_currency_or_charge_type_is_rejected_with_its_reason(row: str, reason: str) -> None:
    assert rejection_of(row, "date,cost,currency,charge_type") == reason


def test_credits_are_negative_costs() -> None:
    parsed = parse("date,cost,type\n2026-11-02,-5,refund\n2026-11-02,(1.50),adjustment\n")
    assert [(record.charge_type, record.cost_usd) for record in parsed.records] == [
        ("credit", Decimal(-5)),
        ("adjustment", Decimal("-1.50")),
    ]


def test_unknown_provider_keeps_its_name_and_an_empty_model_is_unspecified() -> None:
    record = parse("date,provider,model,cost\n2026-11-02,Acme <b>AI</b>,,1\n").records[0]
    assert (record.provider, record.model_name) == ("other", "(unspecified)")
    assert record.metadata["provider_name"] == "Acme <b>AI</b>"


def test_html_and_formulas_in_a_model_name_are_text() -> None:
    parsed = parse("date,model,cost\n2026-11-02,<script>alert(1)</script>,1\n2026-11-02,=HYPERLINK(1),1\n")
    assert [record.model_name for record in parsed.records] == ["<script>alert(1)</script>", "=HYPERLINK(1)"]


def test_tokens_in_exponent_and_float_form_are_counts() -> None:
    record = parse("date,cost,tokens,requests\n2026-11-02,1,1.2E+06,10.0\n").records[0]
    assert (record.tokens_used, record.request_count) == (1_200_000, 10)


def test_input_and_output_take_precedence_over_a_different_total() -> None:
    record = parse("date,cost,tokens,prompt tokens,completion tokens\n2026-11-02,1,130,100,20\n").records[0]
    assert (record.input_tokens, record.output_tokens) == (100, 20)
    assert record.metadata["total_tokens"] == 130


def test_same_file_gives_the_same_identities() -> None:
    text = "date,cost,note\n2026-11-02,1,a\n2026-11-02,1,a\n2026-11-02,1,b\n"
    first, second = parse(text), parse(text)
    assert first.records == second.records
    assert len({record.source_key for record in first.records}) == 3


def test_equal_rows_of_overlapping_files_are_the_same_events() -> None:
    rows = [f"2026-11-{day:02d},{day},x" for day in range(1, 21)] * 2
    first = parse("date,cost,note\n" + "\n".join(sorted(rows)[:30]))
    second = parse("date,cost,note\n" + "\n".join(sorted(rows)[20:]))
    keys = {record.source_key for record in first.records + second.records}
    assert len(keys) == 40


def test_spelling_of_a_row_does_not_change_its_identity() -> None:
    plain = parse("date,provider,cost,tokens\n2026-11-02,OpenAI,1.50,1200\n")
    other = parse('Day;Vendor;Cost (USD);Total tokens;x\n2 Nov 2026;open ai;"$1,5";1.200;?\n')
    assert plain.records[0].source_key == other.records[0].source_key


def test_day_is_the_same_event_in_every_timezone() -> None:
    text = "date,cost\n2026-11-02,1\n"
    keys = {
        parse(text, Options(timezone=zone)).records[0].source_key for zone in ("UTC", "Pacific/Kiritimati")
    }
    assert len(keys) == 1


def test_equal_rows_of_two_accounts_are_two_events() -> None:
    text = "date,cost\n2026-11-02,1\n"
    keys = {parse(text, Options(account=account)).records[0].source_key for account in ("", "work")}
    assert len(keys) == 2


def test_comma_in_a_text_of_json_changes_no_other_number() -> None:
    rows = [{"date": "2026-11-03", "provider": "openai", "cost": cost} for cost in (1.234, "0,5", "1,234.50")]
    parsed = generic.parse(read_table(json.dumps(rows).encode(), "usage.json"), Options())
    assert [record.cost_usd for record in parsed.records] == [Decimal("1.234"), Decimal("1234.50")]
    assert "0,5" in str(parsed.rejected[0])
