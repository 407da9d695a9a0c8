"""Charges of card statements, and subscriptions that they show."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.formats.dates import format_day
from app.formats.money import format_money, format_usd
from app.parts.subscription_form import parse_subscription
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.danger import confirm_danger
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.notices import announce, explain_refusal
from tally.invoices.recurring import Paid, Recurring, find_recurring
from tally.spend.subscriptions import Subscription, add_subscription

STALE_DAYS = {"month": 45, "year": 400}  # since the last charge: the plan has ended


def render_statements(user: User, rows: Sequence[Mapping[str, Any]], today: date) -> None:
    """The charges, and what recurs among them."""
    if not rows:
        return
    with st.container(border=True, key="statement-lines"):
        render_heading("Card statements", "only charges for AI are kept")
        if user.workspace.may_administer:
            _render_recurring(user, rows, today)
        key = f"statement-{rows[0]['id']}-{len(rows)}"
        position = selected_line(key, len(rows))
        if user.workspace.may_administer:
            _render_actions(user, rows[position] if position is not None else None)
        frame = pd.DataFrame([_describe(row) for row in rows], dtype=object)
        kinds = {
            "day": columns.day("Posted"),
            "product": columns.name("Product"),
            "descriptor": columns.name("On the statement", 260),
            "amount": columns.own_money("Amount"),
            "counts": columns.fitting_text("Counts as"),
        }
        lines = [
            Line(
                f"{row['product']}, {format_day(date.fromisoformat(row['posted_on']))}",
                " \N{MIDDLE DOT} ".join((format_money(*_describe(row)["amount"]), describe_role(row))),
            )
            for row in rows
        ]
        render_choices(frame, kinds, "Charges for AI on card statements, newest first", key, lines)


def _describe(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "day": date.fromisoformat(row["posted_on"]),
        "product": row["product"],
        "descriptor": row["descriptor"],
        "amount": (Decimal(row["amount"]), row["currency"]),
        "counts": describe_role(row),
    }


def describe_role(row: Mapping[str, Any]) -> str:
    """The role of a charge in the totals."""
    if row["is_ignored"]:
        return "Ignored"
    if row["invoice_id"]:
        return "Payment of an invoice"
    if row["usd_rate"] is None:
        return f"Not counted: no rate of {row['currency']}"
    if row["kind"] == "api":
        return "Payment, usage counts"
    return "Credit" if Decimal(row["amount"]) < 0 else "Plan"


@explain_refusal
def _render_actions(user: User, row: Mapping[str, Any] | None) -> None:
    is_ignored = bool(row and row["is_ignored"])
    label = "Count again" if is_ignored else "Ignore charge"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(label, disabled=row is None, key="ignore-line") and row:
            data.ignore_statement_line(user, row["id"], not is_ignored)
            st.rerun()
        if st.button("Delete", disabled=row is None, key="delete-line") and row:
            confirm_deletion(row)
        if row is None:
            st.caption("Select a charge to ignore or delete it.")


@st.dialog("Delete this charge?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(row: Mapping[str, Any]) -> None:
    """Explain the effect, confirm, then delete."""
    st.text(f"{row['product']}, {format_day(date.fromisoformat(row['posted_on']))}")
    st.caption(
        "A plan is removed from all totals. The same statement brings it back; an ignored charge stays away."
    )
    if confirm_danger("Delete charge"):
        data.delete_statement_line(identity.current_user(), row["id"])
        announce(f"Charge of {row['product']} deleted.")
        st.rerun()


def list_proposals(
    rows: Sequence[Mapping[str, Any]],
    plans: Sequence[Subscription],
    providers: Mapping[str, str],
    today: date,
) -> list[tuple[Recurring, Decimal]]:
    """Recurring charges that are no subscription yet, each with the dollars of its last charge."""
    kept = [row for row in rows if row["kind"] == "plan" and not row["is_ignored"] and row["usd_rate"]]
    usd = {_paid(row, providers): Decimal(row["amount"]) * Decimal(row["usd_rate"]) for row in kept}
    entered = {
        providers[plan.provider_id] for plan in plans if plan.ended_on is None or plan.ended_on >= today
    }
    return [
        (one, round(usd[one.last], 2))
        for one in find_recurring(_paid(row, providers) for row in kept)
        if one.last.provider not in entered
        and today - one.last.paid_on <= timedelta(days=STALE_DAYS[one.interval])
    ]


def _paid(row: Mapping[str, Any], providers: Mapping[str, str]) -> Paid:
    day = date.fromisoformat(row["posted_on"])
    return Paid(providers[row["provider_id"]], row["product"], day, Decimal(row["amount"]), row["currency"])


def describe_proposal(one: Recurring) -> str:
    """A recurring charge in a sentence."""
    last = one.last
    when = f"on day {last.paid_on.day}" if one.interval == "month" else f"every year on {last.paid_on:%-d %b}"
    return f"{last.product} renews {when}, {format_money(last.amount, last.currency)}"


@explain_refusal
def _render_recurring(user: User, rows: Sequence[Mapping[str, Any]], today: date) -> None:
    providers = {provider.provider_id: provider.slug for provider in data.load_providers(user)}
    ids = {slug: provider_id for provider_id, slug in providers.items()}
    plans = [parse_subscription(row) for row in data.load_subscriptions(user)]
    for place, (one, amount_usd) in enumerate(list_proposals(rows, plans, providers, today)):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(describe_proposal(one), width="content")
            if st.button("Add as subscription", icon=":material/event_repeat:", key=f"recurring-{place}"):
                last = one.last
                plan = Subscription(
                    ids[last.provider],
                    last.product,
                    amount_usd,
                    one.charges[0].paid_on,
                    last.paid_on.day,
                    one.interval,
                )
                add_subscription(database_of(user), plan)
                data.forget_version(user)
                announce(f"{last.product} added as a subscription, {format_usd(amount_usd)} a renewal.")
                st.rerun()
