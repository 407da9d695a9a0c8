"""Receipts and invoices: six shapes are read to the cent, their broken twins are refused with the reason."""

import subprocess
import sys
import zlib
from datetime import date
from decimal import Decimal
from functools import cache

import pytest

from tally.invoices.invoice import Draft, InvoiceRefused, Period
from tally.invoices.pdf import read_pdf
from tally.invoices.receipt_text import read_receipt
from tests.tally.invoices.pdf_writer import write_pdf
from tests.tally.invoices.receipts import BROKEN, EURO, INVOICE, NO_TAX, PRORATED, RECEIPT, SHAPES, Receipt

EXPECTED = {  # kind, provider, currency, lines, tax, discount, total, settled
    "receipt": ("subscription", "claude-desktop", "USD", ["20.00"], "3.80", "0", "23.80", "23.80"),
    "invoice": ("usage", "openai", "USD", ["1108.40"], "0", "0", "1108.40", "1008.40"),
    "euro": ("subscription", "cursor", "EUR", ["14.76"], "2.81", "0", "17.57", "17.57"),
    "no_tax": ("credits", "openai", "USD", ["50.00"], "0", "0", "50.00", "50.00"),
    "prorated": (
        "usage",
        "anthropic",
        "USD",
        ["-10.00", "90.00", "20.00"],
        "17.10",
        "-10.00",
        "107.10",
        "107.10",
    ),
    "two_pages": (
        "usage",
        "openai",
        "USD",
        [f"{10 * n}.00" for n in range(1, 7)] + ["0.00"] * 14,
        "0",
        "0",
        "210.00",
        "210.00",
    ),
}


@cache
def read(receipt: Receipt) -> Draft:
    return read_receipt(read_pdf(receipt.to_pdf(), "receipt.pdf"))


@pytest.mark.parametrize("shape", SHAPES)
def test_six_shapes_are_read_to_the_cent(shape: str) -> None:
    draft = read(SHAPES[shape])
    assert draft.problems == []
    found = (
        draft.kind,
        draft.provider,
        draft.currency,
        [str(line.amount) for line in draft.lines],
        str(draft.tax),
        str(draft.discount),
        str(draft.total),
        str(draft.settled),
    )
    assert found == EXPECTED[shape]


@pytest.mark.parametrize("shape", BROKEN)
def test_broken_twins_are_refused_with_the_reason(shape: str) -> None:
    receipt, reason = BROKEN[shape]
    assert reason in " ".join(read(receipt).problems)


def test_names_days_and_card_are_read() -> None:
    draft = read(RECEIPT)
    assert (draft.seller, draft.number, draft.card_last_four) == ("Anthropic, PBC", "8C41F0D2-0009", "4242")
    assert draft.issued_on == draft.paid_on == date(2026, 11, 12)
    assert draft.find_period() == Period(date(2026, 11, 12), date(2026, 12, 11))
    assert read(INVOICE).find_period() == Period(date(2026, 10, 1), date(2026, 10, 31))
    assert read(NO_TAX).number == "2000-1000"
    assert read(EURO).lines[0].unit_price == Decimal("14.76")


def test_a_table_of_payments_below_changes_nothing() -> None:
    assert read(PRORATED).settled == Decimal("107.10")


BOMB = zlib.compress(b"BT /F1 9 Tf 1 1 Td (x) Tj ET\n" * 12_000_000, 9)
REFUSED = {
    "is not a PDF": b"GIF89a and so on",
    "is larger than 5 MB": b"%PDF-1.4" + b"0" * 5_000_000,
    "is protected with a password": write_pdf(
        [[(40, 700, "secret")]],
        f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'00' * 32}> /U <{'00' * 32}> >> /ID [<00> <00>]",
    ),
    "has 500 pages": write_pdf([[(40, 700, "page")]] * 500),
    "is a scan without text": write_pdf([[]]),
    "is damaged": b"%PDF-1.4\n" + b"\x00nothing" * 20,
    "unpacks into far more": write_pdf([[]], content=BOMB),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_files_that_are_no_receipt_are_refused_in_a_sentence(reason: str) -> None:
    with pytest.raises(InvoiceRefused, match=reason) as refused:
        read_pdf(REFUSED[reason], "r.pdf")
    assert str(refused.value).startswith("r.pdf ")
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    "attempt", ["socket.socket()", "open('x', 'w')", "os.system('true')", "subprocess.run(['true'])"]
)
def test_reader_opens_no_connection_no_file_and_no_program(attempt: str) -> None:
    program = (
        "import os, socket, subprocess, sys\nfrom tally.invoices.pdf_worker import refuse\n"
        f"sys.addaudithook(refuse)\ntry:\n    {attempt}\nexcept PermissionError:\n    print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
