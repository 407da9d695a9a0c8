"""The form of an invoice, empty or with what was read of a file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.invoices import KINDS
from app.formats.amount_field import show_amount
from app.parts.provider_choice import choose_provider
from tally.core.amounts import AmountUnreadable, find_decimal_style, parse_amount
from tally.currency.rates import USD
from tally.invoices.finishing import EXPIRES_AFTER, guess_plan
from tally.invoices.invoice import (
    EARLIEST,
    MAX_NUMBER,
    MAX_SELLER,
    Draft,
    Invoice,
    InvoiceRefused,
    Kind,
    Line,
    Origin,
    Period,
    check_invoice,
    to_json,
)
from tally.invoices.stored import find_usd_rate

LATEST = date(2099, 12, 31)
_LINE = re.compile(r"(?P<text>.*?)[\s:;]*(?P<amount>[-+(]?[$€£]?[\d.,]+\)?)\s*")
LINES_HELP = "One line each: what it is for, then its amount before tax."


@dataclass(frozen=True, slots=True)
class Given:
    """The values that the form begins with."""

    draft: Draft
    origin: Origin
    key: str
    today: date

    def name(self, field: str) -> str:
        """The session key of a field."""
        return f"invoice-{field}-{self.key}"


def render_form(user: User, given: Given) -> Invoice:
    """Draw the form; raises AmountUnreadable or InvoiceRefused while a field is missing or wrong."""
    draft = given.draft
    providers = data.load_providers(user)
    with st.grid(3, min_column_width=180, gap="small"):
        kinds: list[Kind] = ["usage", "subscription", "credits"]
        kind = st.selectbox(
            "Invoice for",
            kinds,
            index=kinds.index(draft.kind or "usage"),
            format_func=KINDS.__getitem__,
            key=given.name("kind"),
        )
        provider = choose_provider(providers, given.name("provider"), draft.provider)
        seller = st.text_input("Seller", draft.seller, max_chars=MAX_SELLER, key=given.name("seller"))
        number = st.text_input("Invoice number", draft.number, max_chars=MAX_NUMBER, key=given.name("number"))
        issued = _ask_day("Issued on", given, draft.issued_on or given.today)
        paid = _ask_day("Paid on (optional)", given, draft.paid_on)
        currency = st.text_input("Currency", draft.currency or USD, max_chars=3, key=given.name("currency"))
    period = _ask_period(given, kind)
    lines = _ask_lines(given)
    with st.grid(3, min_column_width=180, gap="small"):
        tax = _ask_amount("Tax", given, draft.tax)
        discount = _ask_amount("Discount (negative)", given, draft.discount)
        total = _ask_amount("Total with tax", given, draft.total)
        plan = (
            st.text_input("Plan", guess_plan(draft), key=given.name("plan")) if kind == "subscription" else ""
        )
        expires = (
            _ask_expiry(given, provider.slug if provider else None, issued) if kind == "credits" else None
        )
    if provider is None or issued is None:
        raise InvoiceRefused("Choose the provider and the day it was issued.")
    invoice = Invoice(
        seller,
        number,
        kind,
        provider.slug,
        issued,
        currency.strip().upper(),
        total,
        lines,
        tax,
        discount,
        draft.applied_balance,
        period,
        paid,
        draft.card_last_four,
        expires,
        plan.strip() or None,
        given.origin,
    )
    check_invoice(invoice)
    return invoice


def _ask_day(label: str, given: Given, value: date | None) -> date | None:
    name = label.partition(" (")[0].lower().replace(" ", "-")
    found: date | None = st.date_input(
        label, value, min_value=EARLIEST, max_value=LATEST, format="YYYY-MM-DD", key=given.name(name)
    )
    return found


def _ask_period(given: Given, kind: Kind) -> Period | None:
    """The days that usage is of, by default those of the month before."""
    found = given.draft.find_period()
    if kind != "usage":
        return found
    last = given.today.replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    with st.grid(3, min_column_width=180, gap="small"):
        begins = _ask_day("First day of usage", given, found.first if found else first)
        ends = _ask_day("Last day of usage", given, found.last if found else last)
    return Period(begins, ends) if begins and ends else None


def _ask_lines(given: Given) -> Sequence[Line]:
    known = given.draft.lines
    before = "\n".join(f"{line.description}  {show_amount(line.amount)}" for line in known)
    text = st.text_area(
        "Lines",
        before,
        help=LINES_HELP,
        placeholder="Claude Pro  20.00",
        key=given.name("lines"),
        max_chars=20_000,
    )
    return (
        known if text == before and known else [read_line(each) for each in text.splitlines() if each.strip()]
    )


def read_line(text: str) -> Line:
    """A typed line; raises AmountUnreadable."""
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise AmountUnreadable("Write an amount at the end of each line, such as Claude Pro 20.00.")
    return Line(match["text"].strip()[:500] or "Amount", _read(match["amount"]))


def _ask_amount(label: str, given: Given, value: Decimal | None) -> Decimal:
    name = label.split()[0].lower()
    shown = "" if value is None else show_amount(value)
    text = st.text_input(label, shown, max_chars=40, placeholder="0.00", key=given.name(name))
    if not text.strip():
        if name == "total":
            raise InvoiceRefused("Enter the total.")
        return Decimal(0)
    return _read(text)


def _read(text: str) -> Decimal:
    """A typed amount of any currency; raises AmountUnreadable."""
    plain = re.sub(r"[€£$\s]", "", text)
    style = find_decimal_style([plain]).decimal_comma
    if style is None:
        raise AmountUnreadable("An amount can be read in two ways. Write it as 1234.50.")
    try:
        return parse_amount(plain, style)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(f"An amount {unreadable}. Write it as 12.50.") from None


def _ask_expiry(given: Given, provider: str | None, issued: date | None) -> date | None:
    days = EXPIRES_AFTER.get(provider or "")
    default = issued + timedelta(days=days) if issued and days else None
    return _ask_day("Expires on (optional)", given, default)


def save(user: User, invoice: Invoice, file_sha256: str | None = None) -> str:
    """Save an invoice; returns the sentence to announce. Raises DatabaseError."""
    rate, note = find_usd_rate(data.load_rates(user), invoice.currency, invoice.issued_on)
    is_new = data.save_invoice(user, to_json(invoice, rate, file_sha256))
    done = "saved" if is_new else "was here already; the two papers are one charge"
    return f"Invoice {invoice.number} {done}.{note}"
