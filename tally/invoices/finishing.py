"""A draft that adds up, made into an invoice without asking a person."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from tally.invoices.invoice import MAX_PLAN, Draft, Invoice, InvoiceRefused, Origin, check_invoice

EXPIRES_AFTER: Mapping[str, int] = {
    "openai": 365,
    "anthropic": 365,
}  # days: what these sellers say about credits


def finish_draft(draft: Draft, origin: Origin) -> Invoice:
    """The invoice; raises InvoiceRefused with what a person must say, for which the page has a form."""
    issued = draft.issued_on or draft.paid_on
    missing = [*draft.problems]
    if draft.provider is None:
        missing.append(f"Tally does not know the provider behind “{draft.seller[:60]}”.")
    if draft.kind == "usage" and draft.find_period() is None:
        missing.append("It does not say the first and the last day of its usage.")
    if missing or draft.provider is None or draft.kind is None or issued is None or draft.total is None:
        raise InvoiceRefused(f"{' '.join(missing)} Add it on the page Invoices, which asks for it.".strip())
    invoice = Invoice(
        draft.seller,
        draft.number,
        draft.kind,
        draft.provider,
        issued,
        draft.currency,
        draft.total,
        draft.lines,
        draft.tax,
        draft.discount,
        draft.applied_balance,
        draft.find_period(),
        draft.paid_on,
        draft.card_last_four,
        origin=origin,
    )
    invoice = add_defaults(invoice)
    check_invoice(invoice)
    return invoice


def add_defaults(invoice: Invoice) -> Invoice:
    """The invoice with the plan's name and the expiry of credits, where it tells none."""
    if invoice.kind == "subscription" and not invoice.plan_name:
        return replace(invoice, plan_name=guess_plan(invoice) or None)
    days = EXPIRES_AFTER.get(invoice.provider)
    if invoice.kind == "credits" and invoice.expires_on is None and days:
        return replace(invoice, expires_on=invoice.issued_on + timedelta(days=days))
    return invoice


def guess_plan(paper: Draft | Invoice) -> str:
    """The plan's name: the only line's description."""
    return paper.lines[0].description[:MAX_PLAN] if len(paper.lines) == 1 else ""
