"""Files of any kind that people have: PDF, a list of invoices, a card statement."""

from pathlib import PurePath

from tally.importers.protocol import MissingColumns, Question
from tally.invoices.finishing import finish_draft
from tally.invoices.invoice import Invoice, InvoiceRefused
from tally.invoices.invoice_csv import InvoiceList, is_invoice_list, read_invoice_list
from tally.invoices.pdf import read_pdf
from tally.invoices.receipt_text import read_receipt
from tally.invoices.statement_csv import Answers, read_statement_csv
from tally.invoices.statements import Statement, read_ofx

LONGEST_NAME = 80
ASK = "The page Invoices asks, and reads the file by your answer."


def clean_name(filename: str) -> str:
    """The last part of a file's name, without what a screen does not show, and not too long."""
    name = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in PurePath(filename).name)
    ending = PurePath(name).suffix[:10]
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 11]}…{ending}"


def read_paper(data: bytes, filename: str, currency: str) -> InvoiceList | Statement:
    """The invoices or the charges of a file, without a person to ask; raises TallyError."""
    name = clean_name(filename)
    if not data:
        raise InvoiceRefused(f"{name} is empty. Download it again.")
    ending = name.lower().rpartition(".")[2]
    try:
        if ending == "pdf" or data.startswith(b"%PDF-"):
            return InvoiceList([_finish(data, name)])
        if ending in ("ofx", "qfx"):
            return read_ofx(data, currency)
        if is_invoice_list(data, name):
            return read_invoice_list(data, name)
        return read_statement_csv(data, name, Answers(currency))
    except MissingColumns as asked:
        raise InvoiceRefused(f"{asked} {ASK}") from None
    except Question as asked:
        raise InvoiceRefused(f"{name}: {asked} {ASK}") from None


def _finish(data: bytes, name: str) -> Invoice:
    draft = read_receipt(read_pdf(data, name))
    try:
        return finish_draft(draft, "pdf")
    except InvoiceRefused as refused:
        raise InvoiceRefused(f"{name}: {refused}") from None
