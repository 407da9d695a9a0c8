"""The list of invoices, and the details of the selected one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Literal

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.figures.invoices import (
    PARTS,
    TO_CHECK,
    InvoiceView,
    Missing,
    dash_or_usd,
    describe_missing,
    describe_paper,
    describe_view,
    explain,
    to_frame,
)
from app.formats.dates import format_day
from app.formats.money import format_change, format_usd
from app.formats.text import escape_markdown, shorten
from app.parts.subscription_form import parse_subscription
from app.ui import charts, columns
from app.ui.cards import render_heading, render_subheading
from app.ui.danger import confirm_danger
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.notices import announce, explain_refusal
from app.ui.tables import render_table
from app.ui.theme import current_palette
from tally.core.records import MAX_MODEL_NAME
from tally.core.records import identity as identify
from tally.invoices.reconcile import State, find_close_line
from tally.spend.manual_entries import ManualEntry, add_entry
from tally.spend.renewals import find_planned
from tally.spend.subscriptions import update_subscription

ALL = "all"
Colour = Literal["orange", "green", "blue", "gray"]
COLOURS: dict[State, Colour] = {
    "differs": "orange",
    "matched": "green",
    "credits": "blue",
    "open": "gray",
    "ignored": "gray",
}
ICONS: dict[State, str] = {
    "differs": "warning",
    "matched": "check",
    "credits": "savings",
    "open": "schedule",
    "ignored": "block",
}


def choose_state(views: Sequence[InvoiceView]) -> str:
    """The filter of the list, with the number of invoices behind each choice."""
    check = sum(view.comparison.state in TO_CHECK for view in views)
    names = {ALL: f"All {len(views)}", "check": f"To check {check}", "fine": f"Settled {len(views) - check}"}
    chosen = st.segmented_control(
        "Show",
        list(names),
        default=ALL,
        required=True,
        format_func=names.__getitem__,
        key="invoice-states",
        label_visibility="collapsed",
    )
    return str(chosen)


def render_list(user: User, views: Sequence[InvoiceView], missing: Sequence[Missing], today: date) -> None:
    """The table, and the card of the selected invoice; at first that of the first to check."""
    names = {provider.slug: provider.name for provider in data.load_providers(user)}
    with st.container(border=True):
        render_heading("Invoices and receipts", describe_missing(missing, names))
        if not views:
            st.caption("None of these.")
            return
        key = f"invoices-{views[0].invoice_id}-{len(views)}"
        position = selected_line(key, len(views))
        kinds = {
            "seller": columns.name("Seller"),
            "number": columns.name("Number", 150),
            "for": columns.text("For"),
            "total": columns.own_money("Total"),
            "usd": columns.money("In dollars", "USD"),
            "known": columns.money("Tally before tax", "USD"),
            "state": columns.fitting_text("State"),
        }
        lines = [Line(f"{view.seller}, {view.number}", describe_view(view)) for view in views]
        render_choices(to_frame(views), kinds, "Invoices, newest first", key, lines)
    if position is None:
        position = next(
            (place for place, view in enumerate(views) if view.comparison.state in TO_CHECK), None
        )
    if position is not None:
        _render_detail(user, views[position], today)


def _render_detail(user: User, view: InvoiceView, today: date) -> None:
    rows = data.load_invoice_lines(user, view.invoice_id)
    state = view.comparison.state
    with st.container(border=True, key="invoice-detail"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(escape_markdown(f"{view.seller}, {view.number}"), anchor=False, width="content")
            st.badge(
                escape_markdown(view.state_text), icon=f":material/{ICONS[state]}:", color=COLOURS[state]
            )
        st.caption(escape_markdown(describe_paper(view, today)))
        close = _find_close(view, rows)
        if user.workspace.may_administer:
            _render_actions(user, view, close)
        left, right = st.columns(2, gap="medium")
        with left:
            _render_lines(view, rows)
        with right:
            _render_difference(view, close)


def _find_close(view: InvoiceView, rows: Sequence[dict[str, str]]) -> dict[str, str] | None:
    """The line, one of several, whose amount is close to what is unexplained."""
    amounts = [view.charge.to_usd(Decimal(row["amount"])) for row in rows]
    close = find_close_line(amounts, view.comparison.unexplained)
    return None if close is None or len(rows) < 2 else rows[close]


def _render_actions(user: User, view: InvoiceView, close: dict[str, str] | None) -> None:
    decision = view.charge.decision
    with st.container(horizontal=True, gap="small"):
        is_other_price = view.comparison.state == "differs" and view.kind == "subscription"
        if is_other_price and st.button(
            "Update plan", type="primary", icon=":material/sync_alt:", key="update-plan"
        ):
            _update_plan(user, view)
        is_unknown = (
            view.comparison.state == "differs" and view.kind == "usage" and view.comparison.unexplained > 0
        )
        if close and is_unknown:
            label = escape_markdown(f"Add {shorten(close['description'], 40)} as a cost")
            if st.button(label, type="primary", icon=":material/add:", key="add-line"):
                _add_line(user, view, close)
        can_accept = decision is None and view.comparison.state in TO_CHECK
        if can_accept and st.button("Accept", icon=":material/check:", key="accept-invoice"):
            _decide(user, view, "accepted", "accepted as it is.")
        if decision is None and st.button("Ignore", icon=":material/block:", key="ignore-invoice"):
            _decide(user, view, "ignored", "ignored. It no longer counts.")
        if decision and st.button("Compare again", icon=":material/undo:", key="undo-invoice"):
            _decide(user, view, None, "compared again.")
        if st.button("Delete", icon=":material/delete:", key="delete-invoice"):
            confirm_deletion(view)


@explain_refusal
def _decide(user: User, view: InvoiceView, decision: str | None, told: str) -> None:
    data.decide_invoice(user, view.invoice_id, decision)
    announce(f"Invoice {view.number} is {told}")
    st.rerun()


@explain_refusal
def _add_line(user: User, view: InvoiceView, row: dict[str, str]) -> None:
    """Enter a line that no source tells, once, on the last day of the period."""
    _, last = view.period or (view.issued_on, view.issued_on)
    entry = ManualEntry(
        entry_id=identify("invoice line", user.workspace.workspace_id, view.invoice_id, str(row["position"])),
        provider=next(
            each.slug for each in data.load_providers(user) if each.provider_id == view.provider_id
        ),
        day=last,
        timezone=view.zone,
        model_name=row["description"][:MAX_MODEL_NAME],
        cost_usd=view.charge.to_usd(Decimal(row["amount"])),
        note=f"A line of invoice {view.number} of {view.seller}",
    )
    add_entry(database_of(user), entry)
    data.forget_version(user)
    announce(f"{row['description']} added as a cost of {format_day(last)}.")
    st.rerun()


@explain_refusal
def _update_plan(user: User, view: InvoiceView) -> None:
    """Give the plan the price of the invoice, for all its renewals."""
    for row in data.load_subscriptions(user):
        plan = parse_subscription(row)
        if plan.provider_id == view.provider_id and find_planned([plan], view.issued_on):
            net = view.charge.to_usd(view.charge.subtotal) + view.charge.to_usd(view.charge.discount)
            update_subscription(database_of(user), row["id"], replace(plan, amount_usd=net))
            data.forget_version(user)
            announce(f"{plan.plan_name} now costs {format_usd(net)} a renewal.")
            st.rerun()


@st.dialog("Delete this invoice?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(view: InvoiceView) -> None:
    """Explain the effect, confirm, then delete."""
    user = identity.current_user()
    st.text(f"{view.seller}, {view.number}")
    st.caption("What it brought is removed from all totals: tax, discount or plan. Usage stays as it is.")
    if confirm_danger("Delete invoice"):
        data.delete_invoice(user, view.invoice_id)
        announce(f"Invoice {view.number} deleted.")
        st.rerun()


def _render_lines(view: InvoiceView, rows: Sequence[dict[str, str]]) -> None:
    charge = view.charge
    render_subheading("Lines")
    below = [
        ("Subtotal", charge.subtotal),
        ("Discount", charge.discount),
        ("Tax", charge.tax),
        ("Total", charge.total),
    ]
    lines = [(row["description"], Decimal(row["amount"])) for row in rows]
    lines += [(name, amount) for name, amount in below if amount or name in ("Subtotal", "Total")]
    frame = pd.DataFrame(lines, columns=["line", "amount"], dtype=object)
    kinds = {"line": columns.name("Line", 320), "amount": columns.money("Amount", charge.currency)}
    render_table(frame, kinds, "Lines of the invoice")
    if charge.currency != "USD" and charge.usd_rate is not None:
        told = f"{format_usd(charge.total_usd)} at the ECB rate of the day, {charge.usd_rate:.4f}"
        st.caption(escape_markdown(told))


def _render_difference(view: InvoiceView, close: dict[str, str] | None) -> None:
    comparison = view.comparison
    if view.kind == "credits":
        render_subheading("Prepaid credits")
        st.caption("A purchase of credits is never counted as usage; its tax is a cost.")
        return
    parts = [(PARTS[name], amount) for name, amount in comparison.parts.items() if amount]
    if parts:
        render_subheading(f"Difference of {format_usd(comparison.difference)}")
        st.caption(escape_markdown(f"Tally before tax: {dash_or_usd(comparison.known_usd)}"))
        told = [(name, float(amount), format_change(amount, "USD")) for name, amount in parts]
        st.plotly_chart(
            charts.difference_bars(told, current_palette(), PARTS["unexplained"]),
            theme=None,
            key="invoice_difference",
            config=charts.config("USD"),
            alt=f"Parts of the difference: {'; '.join(f'{name} {text}' for name, _, text in told)}.",
        )
        st.caption(escape_markdown(f"Invoice: {format_usd(view.charge.total_usd)}"))
    elif comparison.state == "matched":
        render_subheading("No difference")
        st.caption("The invoice and Tally agree to the cent.")
    for name, sentence in explain(view, close["description"] if close else None):
        st.caption(f"**{name}** {escape_markdown(sentence)}")
