"""Invoices, prepaid credits and lines of card statements."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from app.auth.identity import User, database_of
from app.data.preferences import load_rates
from app.data.reading import API_ROWS, cached, call, data_version, fetch_rows, forget_version, select
from tally.invoices import stored
from tally.invoices.invoice import Invoice
from tally.invoices.invoice_csv import write_invoices
from tally.invoices.statements import StatementLine

MOST_INVOICES = 100  # on the page, the newest
LINE_COLUMNS = "invoice_id,position,description,amount::text,period_start,period_end"
STATEMENT_COLUMNS = (
    "id,provider_id,kind,product,descriptor,posted_on,amount::text,currency,usd_rate::text,card_last_four,"
    "invoice_id,is_ignored"
)


def load_invoices(user: User) -> list[dict[str, Any]]:
    """The newest invoices, amounts as text."""
    return _invoices(user, data_version(user))


@cached
def _invoices(user: User, version: str) -> list[dict[str, Any]]:  # noqa: ARG001
    query = select(user, "invoices", stored.COLUMNS)
    return fetch_rows(query.order("issued_on", desc=True).order("id").limit(MOST_INVOICES))


def load_invoice_lines(user: User, invoice_id: str) -> list[dict[str, Any]]:
    """The lines of an invoice."""
    query = select(user, "invoice_lines", LINE_COLUMNS)
    return fetch_rows(query.eq("invoice_id", invoice_id).order("position"))


def load_invoice_usage(user: User, invoices: Sequence[str]) -> dict[str, dict[str, str]]:
    """The usage that invoices are compared with, by invoice; amounts as text."""
    return _usage(user, data_version(user), tuple(invoices))


@cached
def _usage(user: User, version: str, invoices: tuple[str, ...]) -> dict[str, dict[str, str]]:  # noqa: ARG001
    rows = call(user, "invoice_usage", invoices=list(invoices)) if invoices else []
    return {row["id"]: row for row in rows}


def load_credit_facts(user: User, today: date) -> list[dict[str, Any]]:
    """Purchases of prepaid credits by provider, and the usage since the first."""
    return _credit_facts(user, data_version(user), today)


@cached
def _credit_facts(user: User, version: str, today: date) -> list[dict[str, Any]]:  # noqa: ARG001
    found: list[dict[str, Any]] = call(user, "prepaid_credits")
    return found


def load_statement_lines(user: User) -> list[dict[str, Any]]:
    """The newest charges on card statements."""
    query = select(user, "statement_lines", STATEMENT_COLUMNS)
    return fetch_rows(query.order("posted_on", desc=True).order("id").limit(API_ROWS))


def save_invoice(user: User, invoice: Mapping[str, Any]) -> bool:
    """Save an invoice; True for a new one, False for another paper of one that is there."""
    saved = call(user, "save_invoice", invoice=invoice)
    forget_version(user)
    return bool(saved["is_new"])


def save_invoices(user: User, invoices: Sequence[Invoice]) -> tuple[int, int]:
    """Save all invoices or none; returns how many were added, and how many were there."""
    saved = stored.save_invoices(database_of(user), invoices, load_rates(user))
    forget_version(user)
    return saved


def export_invoices(user: User) -> bytes:
    """All invoices with their lines as CSV."""
    return write_invoices(stored.load_whole(database_of(user)))


def decide_invoice(user: User, invoice_id: str, decision: str | None) -> None:
    """Accept or ignore an invoice, or take that back."""
    call(user, "decide_invoice", invoice=invoice_id, decision=decision)
    forget_version(user)


def delete_invoice(user: User, invoice_id: str) -> None:
    """Delete an invoice with what it brought."""
    call(user, "delete_invoice", invoice=invoice_id)
    forget_version(user)


def save_statement_lines(user: User, lines: Sequence[tuple[StatementLine, Any]]) -> tuple[int, int]:
    """Save charges with their rates; returns how many were added, and how many were there."""
    saved = call(user, "save_statement_lines", lines=[line.to_json(rate) for line, rate in lines])
    forget_version(user)
    return saved["added"], saved["known"]


def ignore_statement_line(user: User, line_id: str, is_ignored: bool) -> None:
    """Ignore a charge, or count it again."""
    call(user, "ignore_statement_line", line=line_id, is_ignored=is_ignored)
    forget_version(user)


def delete_statement_line(user: User, line_id: str) -> None:
    """Delete a charge with what it brought."""
    call(user, "delete_statement_line", line=line_id)
    forget_version(user)
