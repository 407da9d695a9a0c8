"""Lists of invoices: read back as they were written, whole or not at all."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.importers.protocol import AmbiguousDates, Options
from tally.invoices.invoice import Invoice, InvoiceRefused, Line, Period
from tally.invoices.invoice_csv import InvoiceList, is_invoice_list, read_invoice_list, write_invoices

USUAL = Invoice(
    "OpenAI, LLC",
    "U-1",
    "usage",
    "openai",
    date(2026, 11, 1),
    "EUR",
    Decimal("107.10"),
    [Line("gpt-5, input", Decimal("80.00")), Line("=1+1", Decimal("20.00"))],
    Decimal("17.10"),
    Decimal("-10.00"),
    Decimal("-7.10"),
    Period(date(2026, 10, 1), date(2026, 10, 31)),
    date(2026, 11, 2),
    "4242",
    origin="csv",
)
HEAD = "seller,number,issued_on,currency,total"
texts = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)
cents = st.decimals(-99_999, 99_999, places=2)


def read(*rows: str, head: str = HEAD, options: Options | None = None) -> InvoiceList:
    """The invoices of some rows."""
    return read_invoice_list("\n".join([head, *rows]).encode(), "list.csv", options)


@given(texts, texts, st.lists(st.tuples(texts, cents), min_size=1, max_size=4), cents)
def test_what_is_written_is_read_back(
    seller: str, number: str, lines: Sequence[tuple[str, Decimal]], tax: Decimal
) -> None:
    made = [Line(text, amount) for text, amount in lines]
    total = sum((line.amount for line in made), tax)
    plain = replace(USUAL, discount=Decimal(0), applied_balance=Decimal(0), lines=made, tax=tax, total=total)
    first = replace(plain, seller=seller, number=f"{number}1")
    other = replace(first, number=f"{number}2", currency="USD", paid_on=None, card_last_four=None)
    found = read_invoice_list(write_invoices([first, other]), "list.csv")
    assert found == InvoiceList([first, other], [])


def test_texts_of_the_file_run_as_no_formula() -> None:
    hostile = replace(
        USUAL, seller="=cmd|' /C calc'!A0", number="@SUM(A1)", plan_name="+1", kind="subscription"
    )
    written = write_invoices([hostile])
    cells = [cell for row in written.decode().splitlines()[1:] for cell in row.split(",")]
    assert not [cell for cell in cells if cell.strip('"').startswith(("=", "@", "+"))]
    assert read_invoice_list(written, "list.csv").invoices == [hostile]


def test_a_row_alone_is_a_whole_invoice() -> None:
    [invoice] = read("Anysphere,C-1,2026-11-12,usd,23.80,3.80", head=f"{HEAD},tax").invoices
    assert (invoice.provider, invoice.kind, invoice.currency) == ("cursor", "subscription", "USD")
    assert [(line.description, line.amount) for line in invoice.lines] == [("Invoice", Decimal("20.00"))]
    found = read("OpenAI,R-1,2026-11-12,USD,50,credits,rubbish", head=f"{HEAD},kind,colour")
    assert (found.invoices[0].expires_on, found.unused) == (date(2027, 11, 12), ["colour"])


@pytest.mark.parametrize(
    ("cells", "kind", "period"),
    [
        ("OpenAI,1,2026-06-01,USD,5,", "usage", Period(date(2026, 5, 1), date(2026, 5, 31))),
        ("OpenAI,1,2026-05-31,USD,5,", "usage", Period(date(2026, 5, 1), date(2026, 5, 31))),
        ("Mistral AI,1,2026-01-20,USD,5,", "usage", Period(date(2025, 12, 1), date(2025, 12, 31))),
        ("Midjourney,1,2026-06-01,USD,5,", "subscription", None),
        ("OpenAI,1,2026-06-01,USD,5,chatgpt", "subscription", None),
    ],
)
def test_what_does_not_tell_its_kind_adds_no_plan_of_a_seller_of_usage(
    cells: str, kind: str, period: Period | None
) -> None:
    found = read(cells, head=f"{HEAD},provider")
    assert [(each.kind, each.period) for each in found.invoices] == [(kind, period)]
    assert (found.of_usage, found.of_plans) == ((1, 0) if kind == "usage" else (0, 1))
    taken = "usage of the month before" if kind == "usage" else "a plan"
    assert f"took 1 invoice for {taken}. If that is wrong, add a column kind" in found.assumption


def test_lines_plans_and_kinds_tell_what_an_invoice_is_for() -> None:
    found = read("OpenAI,1,2026-06-01,USD,5,ChatGPT Team,", head=f"{HEAD},line,plan_name")
    named = read("OpenAI,2,2026-06-01,USD,5,,Plus", head=f"{HEAD},line,plan_name")
    assert [each.kind for each in (*found.invoices, *named.invoices)] == ["subscription"] * 2
    assert found.assumption == named.assumption == ""
    half = "OpenAI,3,2026-06-01,USD,5,2026-05-01"
    with pytest.raises(InvoiceRefused, match="first and the last day"):
        read(half, head=f"{HEAD},period_start")


def test_other_headings_commas_and_days_are_read() -> None:
    head = "Vendor;Invoice number;Invoice date;Currency;Total amount;Kind"
    row = "OpenAI;R-1;31.10.2026;EUR;1.234,50;credits"
    [invoice] = read(row, head=head).invoices
    assert (invoice.total, invoice.issued_on) == (Decimal("1234.50"), date(2026, 10, 31))
    with pytest.raises(AmbiguousDates):
        read("OpenAI,R-1,03/04/2026,USD,5,credits", head=f"{HEAD},kind")
    answered = Options("UTC", day_first=True)
    [invoice] = read("OpenAI,R-1,03/04/2026,USD,5.00,credits", head=f"{HEAD},kind", options=answered).invoices
    assert invoice.issued_on == date(2026, 4, 3)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (["Nobody,1,2026-11-12,USD,5"], "does not know the provider “Nobody”"),
        (["OpenAI,1,2026-11-12,USD,NaN"], "Line 2: a cell "),
        (["OpenAI,1,2026-11-12,USD,9999999999"], "amounts below 100,000,000"),
        (["OpenAI,1,2026-11-12,DOLLARS,5"], "a code of three letters"),
        (["OpenAI,,2026-11-12,USD,5"], "Enter the invoice number"),
        (["OpenAI,1,,USD,5"], "It has no date"),
        (["OpenAI,1,1999-11-12,USD,5"], "Tally stores records from 2020"),
        (["OpenAI,1,2026-11-12,USD,5", "OpenAI,1,2026-11-13,USD,5"], "issued_on is not that of line 2"),
        (["OpenAI,1,2026-11-12,USD,5", "openai,1,2026-11-12,USD,5"], "seller is not that of line 2"),
        (["OpenAI,1,2026-11-12,USD,5", "OpenAI,1,2026-11-12,USD,5"], "Give each row its amount"),
    ],
)
def test_one_wrong_row_refuses_the_file_with_its_line(rows: list[str], told: str) -> None:
    with pytest.raises(InvoiceRefused) as refused:
        read("OpenAI,good,2026-11-12,USD,5", *rows)
    sentence = str(refused.value).replace("Line 3", "Line 2").replace("line 3", "line 2")
    assert sentence.startswith("Nothing of list.csv was saved. Line ")
    assert told in sentence


def test_wrong_kinds_sums_and_columns_are_told() -> None:
    for head, row, told in (
        (f"{HEAD},kind", "OpenAI,1,2026-11-12,USD,5,gift", "“gift” is no kind of invoice"),
        (f"{HEAD},kind", "OpenAI,1,2026-11-12,USD,5,usage", "first and the last day"),
        (f"{HEAD},amount", "OpenAI,1,2026-11-12,USD,5.00,4.00", "make 4.00, but the total is 5.00"),
        ("seller,number,total", "OpenAI,1,5", 'has no column "issued_on", "currency"'),
    ):
        with pytest.raises(InvoiceRefused) as refused:
            read(row, head=head)
        assert told in str(refused.value)
    many = [f"OpenAI,{number},2026-11-12,USD,5" for number in range(201)]
    with pytest.raises(InvoiceRefused, match="201 invoices; 200 are possible"):
        read(*many)


def test_a_list_of_invoices_is_told_from_a_statement() -> None:
    assert is_invoice_list(write_invoices([USUAL]), "list.csv")
    assert is_invoice_list(b"Vendor,Invoice number,Total\n", "x.csv")
    assert not is_invoice_list(b"date,description,amount\n", "x.csv")
    assert not is_invoice_list(b"", "x.csv")
    assert is_invoice_list("Seller;Number;Total\n1".encode("utf-16"), "x.csv")
