"""The drop zone: PDFs become drafts of invoices, CSV and OFX files charges of a statement, or invoices."""

from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.text import escape_markdown
from app.ui.notices import announce, explain_refusal, render_refusal, render_warning
from app.views.invoices.invoice_form import Given, render_form, save
from app.views.invoices.list_upload import read_list, render_invoice_list
from app.views.invoices.statement_upload import read_statement, render_statement
from tally.core.amounts import AmountUnreadable
from tally.core.errors import TallyError
from tally.importers.protocol import MissingColumns, Question
from tally.invoices.files import clean_name
from tally.invoices.invoice import Draft, InvoiceRefused
from tally.invoices.invoice_csv import InvoiceList, is_invoice_list
from tally.invoices.pdf import read_pdf
from tally.invoices.receipt_text import read_receipt
from tally.invoices.statements import Statement

TYPES = ["pdf", "csv", "ofx", "qfx"]
MAX_MEGABYTES = 5
READ = (
    "**Read** are seller, number, dates, lines, tax and total; of statements, only lines of AI sellers. "
    "**Kept** are these values only. The file and all other lines are thrown away at once."
)


@dataclass(slots=True)
class ReadFile:
    """The contents of a file, or why it was refused; `answers` are the person's about a table."""

    name: str
    digest: str
    found: Draft | InvoiceList | Statement | TallyError
    answers: dict[str, Any] = field(default_factory=dict)


def render_uploads(user: User, today: date) -> None:
    """The drop zone with what is read and kept, and a card for each file."""
    visit = st.session_state.setdefault("invoice_visit", 0)
    with st.container(border=True):
        st.caption(READ)
        files = st.file_uploader(
            "Invoices, receipts or card statements: PDF, CSV or OFX, at most 5 MB and 20 pages",
            type=TYPES,
            accept_multiple_files=True,
            max_upload_size=MAX_MEGABYTES,
            key=f"invoice-files-{visit}",
        )
    done: set[str] = st.session_state.setdefault("invoices_done", set())
    waiting = [file for file in files if file.file_id not in done]
    if files and not waiting:
        forget_files()
        st.rerun()
    for file in waiting:
        _render_file(user, file, today)


def forget_files() -> None:
    """Empty the drop zone, which drops the files."""
    st.session_state.invoice_visit += 1
    st.session_state.pop("invoices_done", None)
    st.session_state.pop("invoice_reads", None)


def _read(user: User, file: Any) -> ReadFile:
    """Read a file once; a table again after each answer about it."""
    reads: dict[str, ReadFile] = st.session_state.setdefault("invoice_reads", {})
    known = reads.get(file.file_id)
    if known is not None and known.answers == st.session_state.get(f"answers-{file.file_id}", {}):
        return known
    answers = dict(st.session_state.get(f"answers-{file.file_id}", {}))
    content, name = file.getvalue(), clean_name(file.name)
    found: Draft | InvoiceList | Statement | TallyError
    try:
        with st.spinner("Reading…"):
            found = _read_content(user, content, name, answers)
    except TallyError as refused:
        found = refused
    reads[file.file_id] = ReadFile(name, sha256(content).hexdigest(), found, answers)
    return reads[file.file_id]


def _read_content(
    user: User, content: bytes, name: str, answers: dict[str, Any]
) -> Draft | InvoiceList | Statement:
    if not content:
        raise InvoiceRefused(f"{name} is empty. Download it again.")
    if name.lower().endswith(".pdf"):
        return read_receipt(read_pdf(content, name))
    if name.lower().endswith(".csv") and is_invoice_list(content, name):
        return read_list(content, name, answers)
    return read_statement(content, name, data.load_currency(user).code, answers)


def _render_file(user: User, file: Any, today: date) -> None:
    read = _read(user, file)
    with st.container(border=True, key=f"invoice-file-{file.file_id}"):
        st.text(read.name)
        if isinstance(read.found, Draft):
            _render_draft(user, read, file.file_id, today)
        elif isinstance(read.found, InvoiceList):
            render_invoice_list(user, read.found, file.file_id)
        elif isinstance(read.found, Statement | Question | MissingColumns):
            render_statement(user, read.found, file.file_id)
        else:
            render_refusal(read.found)
            if read.name.lower().endswith(".pdf"):
                _render_draft(user, read, file.file_id, today)


@explain_refusal
def _render_draft(user: User, read: ReadFile, file_id: str, today: date) -> None:
    """The values that were read: to save where they add up, to correct where they do not."""
    draft = read.found if isinstance(read.found, Draft) else Draft()
    adds_up = isinstance(read.found, Draft) and not draft.problems
    if adds_up:
        st.caption(escape_markdown(_summarise(draft)))
    _explain(draft)
    invoice = None
    with st.expander("Check or correct", expanded=not adds_up, icon=":material/edit:"):
        try:
            invoice = render_form(user, Given(draft, "pdf" if adds_up else "typed", file_id, today))
        except (AmountUnreadable, InvoiceRefused) as incomplete:
            st.caption(escape_markdown(str(incomplete)))
    if st.button("Save invoice", type="primary", disabled=invoice is None, key=f"save-{file_id}") and invoice:
        announce(save(user, invoice, read.digest))
        st.session_state.invoices_done.add(file_id)
        st.rerun()


def _explain(draft: Draft) -> None:
    if draft.problems:
        head = "The sums do not add up." if draft.is_read else "Not everything could be read."
        render_warning(f"{head} {' '.join(draft.problems)} Correct it below.")


def _summarise(draft: Draft) -> str:
    return f"{draft.seller}, {draft.number}: {draft.total} {draft.currency}. Lines and sums add up."
