"""Card statements: charges for AI are found, look-alikes refused, everything else forgotten."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tally.importers.protocol import AmbiguousDates, MissingColumns
from tally.invoices.descriptors import find_seller, is_untold
from tally.invoices.invoice import InvoiceRefused
from tally.invoices.recurring import Paid, find_recurring
from tally.invoices.statement_csv import Answers, read_statement_csv
from tally.invoices.statements import Statement, read_ofx

LABELLED = Path(__file__).parents[2] / "fixtures" / "statements" / "labelled.csv"
USD = Answers("USD")


def test_labelled_list_is_matched_with_precision_and_recall() -> None:
    with LABELLED.open(newline="") as file:
        rows = [(row["descriptor"], row["seller"]) for row in csv.DictReader(file)]
    found = [
        (match and f"{match.provider} {match.kind}", label)
        for row, label in rows
        for match in [find_seller(row)]
    ]
    hits = [label for match, label in found if match]
    correct = sum(match == label for match, label in found if match)
    assert len(rows) == 400
    assert correct / len(hits) >= 0.98
    assert correct / sum(bool(label) for _, label in found) >= 0.90


@given(st.text("OPENAICLUDE.* ,/-COM0123456789", max_size=500))
def test_no_text_takes_long_or_fails(text: str) -> None:
    assert find_seller(f"OPENAI{text}") in (None, find_seller("OPENAI"), find_seller("OPENAI CHATGPT"))


def test_app_store_is_told_apart_from_other_charges() -> None:
    assert is_untold("APPLE.COM/BILL CORK")
    assert not is_untold("APPLE STORE R123")


CARD = """Transaction Date,Description,Amount
2026-09-12,OPENAI *CHATGPT SUBSCR,23.80
2026-09-13,GITHUB INC.,4.00
2026-09-14,APPLE.COM/BILL,20.00
2026-09-20,OPENAI *CHATGPT SUBSCR,-23.80
2026-09-21,TESCO,not a number
2026-09-22,PAYMENT THANK YOU,-400.00
2026-09-23,REWE,12.00
"""


def describe(statement: Statement) -> list[tuple[str, str, str, Decimal, str]]:
    """The lines in short."""
    return [
        (str(line.posted_on), line.product, line.kind, line.amount, line.currency) for line in statement.lines
    ]


def test_card_csv_keeps_the_matched_lines_alone() -> None:
    found = read_statement_csv(CARD.encode(), "card.csv", USD)
    assert describe(found) == [
        ("2026-09-12", "ChatGPT", "plan", Decimal("23.80"), "USD"),
        ("2026-09-20", "ChatGPT", "plan", Decimal("-23.80"), "USD"),
    ]
    assert (found.read, found.untold, [row.line for row in found.rejected]) == (7, 1, [6])
    assert all(row.row_text == "" for row in found.rejected)


BANK = """Buchungstag;Verwendungszweck;Betrag;W\u00e4hrung
12.09.2026;KARTENZAHLUNG CURSOR, AI POWERED IDE;-17,57;EUR
13.09.2026;MIETE;-900,00;EUR
25.09.2026;GEHALT;3.000,00;EUR
"""
SPLIT = """Date,Merchant,Paid out,Paid in,Card number
2026-09-12,ANTHROPIC* CLAUDE SUB,18.00,,**** 4242
2026-09-15,ANTHROPIC* CLAUDE SUB,,18.00,**** 4242
"""


def test_bank_csv_with_negative_charges_and_commas_is_read() -> None:
    found = read_statement_csv(BANK.encode(), "bank.csv", USD)
    assert describe(found) == [("2026-09-12", "Cursor", "plan", Decimal("17.57"), "EUR")]


def test_columns_for_both_directions_and_the_card_are_read() -> None:
    found = read_statement_csv(SPLIT.encode(), "split.csv", Answers("GBP"))
    assert [line.amount for line in found.lines] == [18, -18]
    assert {(line.currency, line.card_last_four) for line in found.lines} == {("GBP", "4242")}


def test_two_equal_charges_of_a_day_are_two_and_the_file_again_is_the_same() -> None:
    twice = CARD.replace(
        "2026-09-20,OPENAI *CHATGPT SUBSCR,-23.80", "2026-09-12,OPENAI *CHATGPT SUBSCR,23.80"
    )
    first, again = (read_statement_csv(twice.encode(), name, USD) for name in ("a.csv", "b.csv"))
    assert len({line.identity for line in first.lines}) == 2
    assert [line.identity for line in first.lines] == [line.identity for line in again.lines]


def test_unclear_columns_and_days_are_asked() -> None:
    with pytest.raises(MissingColumns, match="no column for description and amount"):
        read_statement_csv(b"date,what,cost\n2026-09-12,OPENAI,5\n", "x.csv", USD)
    mapped = Answers("USD", {"what": "description", "cost": "amount"})
    assert len(read_statement_csv(b"date,what,cost\n2026-09-12,OPENAI,5\n", "x.csv", mapped).lines) == 1
    with pytest.raises(AmbiguousDates, match="Does the day come first"):
        read_statement_csv(b"date,description,amount\n03/04/2026,OPENAI,5\n", "x.csv", USD)


OFX = """OFXHEADER:100
DATA:OFXSGML
CHARSET:1252

<OFX><CREDITCARDMSGSRSV1><CCSTMTRS><CURDEF>EUR<CCACCTFROM><ACCTID>XXXX1234</CCACCTFROM><BANKTRANLIST>
<STMTTRN><TRNTYPE>SURPRISE<DTPOSTED>20260912120000[-5:EST]<TRNAMT>-17.57<FITID>1
<NAME>ANYSPHERE INC<ODD.TAG>x</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260230<TRNAMT>-5<FITID>2<NAME>OPENAI</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260913<TRNAMT>five<FITID>3<NAME>OPENAI</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260914<TRNAMT>-50,00<FITID>4<NAME>OPENAI &amp; CO
<MEMO>x</STMTTRN>
<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260915<TRNAMT>17.57<FITID>5<NAME>ANYSPHERE INC
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260916<TRNAMT>-20<FITID>6<NAME>POS<MEMO>MIDJOURNEY INC.</STMTTRN>
</BANKTRANLIST></CCSTMTRS></CREDITCARDMSGSRSV1></OFX>
"""


def test_ofx_rejects_bad_transactions_alone_and_ignores_unknown_tags() -> None:
    found = read_ofx(OFX.encode(), "USD")
    assert describe(found) == [
        ("2026-09-12", "Cursor", "plan", Decimal("17.57"), "EUR"),
        ("2026-09-15", "Cursor", "plan", Decimal("-17.57"), "EUR"),
        ("2026-09-16", "Midjourney", "plan", Decimal("20"), "EUR"),
    ]
    assert found.read == 6
    assert [row.reason for row in found.rejected] == ["The date is not valid.", "The amount is not a number."]
    assert {line.card_last_four for line in found.lines} == {"1234"}
    xml = OFX.replace("<NAME>ANYSPHERE INC<", "<NAME>ANYSPHERE INC</NAME><")
    assert read_ofx(xml.encode("utf-16"), "USD").lines[0] == found.lines[0]


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.4", b"\x00" * 100])
def test_other_files_are_refused_in_a_sentence(data: bytes) -> None:
    with pytest.raises(InvoiceRefused, match="not an OFX file"):
        read_ofx(data, "USD")


def paid(day: str, amount: str = "20.00", product: str = "Cursor", currency: str = "USD") -> Paid:
    return Paid("cursor", product, date.fromisoformat(day), Decimal(amount), currency)


def test_monthly_and_yearly_charges_are_found_within_ten_percent() -> None:
    monthly = [paid("2026-07-12"), paid("2026-08-12", "21.90"), paid("2026-09-12", "21.00")]
    yearly = [paid("2025-03-01", "200", "Suno"), paid("2026-03-01", "205", "Suno")]
    found = find_recurring([*monthly, *yearly])
    assert [(one.interval, len(one.charges), one.last.amount) for one in found] == [
        ("month", 3, Decimal(21)),
        ("year", 2, Decimal(205)),
    ]


@pytest.mark.parametrize(
    "charges",
    [
        [paid("2026-07-12")],
        [paid("2026-07-12"), paid("2026-08-20")],
        [paid("2026-07-12"), paid("2026-08-12", "22.01")],
        [paid("2026-07-12"), paid("2026-08-12", currency="EUR")],
        [paid("2026-07-12"), paid("2026-08-12", product="Cursor usage")],
        [paid("2026-07-12", "-20"), paid("2026-08-12", "-20")],
    ],
)
def test_single_and_unlike_charges_are_no_subscription(charges: list[Paid]) -> None:
    assert find_recurring(charges) == []


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(1, 50)), max_size=25))
def test_each_charge_is_in_one_chain_at_most(charges: list[tuple[int, int]]) -> None:
    given_charges = [
        Paid("cursor", "Cursor", date(2026, 1, 1) + timedelta(days=day), Decimal(amount), "USD")
        for day, amount in charges
    ]
    used = [charge for one in find_recurring(given_charges) for charge in one.charges]
    assert all(used.count(charge) <= given_charges.count(charge) for charge in used)
