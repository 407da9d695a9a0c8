"""The list of subscriptions, and the dialogs that edit, end and delete one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.figures.currencies import Currency
from app.figures.renewals import describe_rhythm, spent_so_far
from app.formats.amount_field import show_amount
from app.formats.dates import format_day
from app.formats.money import format_money
from app.formats.text import DASH, escape_markdown
from app.parts.permissions import explain_fixed, render_own_only
from app.parts.subscription_form import LATEST_DAY, Fields, parse_subscription, render_fields, render_renewals
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.danger import confirm_danger
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.notices import announce, explain_refusal, render_refusal
from tally.core.amounts import AmountUnreadable
from tally.core.text import plural
from tally.spend.renewals import next_renewal, renewal_days
from tally.spend.subscriptions import Subscription, delete_subscription, update_subscription


def describe_subscriptions(
    subscriptions: Sequence[Subscription],
    providers: Sequence[data.Provider],
    today: date,
    currency: Currency,
) -> pd.DataFrame:
    """Subscriptions as a table; amounts in the chosen currency."""
    names = {provider.provider_id: provider.name for provider in providers}
    lines = [
        {
            "plan": subscription.plan_name,
            "provider": names.get(subscription.provider_id, DASH),
            "amount": currency.convert(subscription.amount_usd, today),
            "renews": describe_rhythm(subscription),
            "next": next_renewal(subscription, today),
            "spent": spent_so_far(subscription, today, currency),
            "first_day": subscription.started_on,
            "last_day": subscription.ended_on,
        }
        for subscription in subscriptions
    ]
    return pd.DataFrame(lines, dtype=object)


def render_subscriptions(user: User, rows: Sequence[dict[str, Any]], today: date) -> None:
    """The list, with buttons for the selected subscription."""
    providers = data.load_providers(user)
    with st.container(border=True):
        render_heading("Your plans")
        render_own_only(user)
        if not rows:
            st.caption("None yet. Renewals are added automatically.")
            return
        currency = data.load_currency(user)
        key = f"subscriptions-{rows[0]['id']}-{len(rows)}"
        position = selected_line(key, len(rows))
        _render_actions(user, None if position is None else rows[position], today)
        frame = describe_subscriptions([parse_subscription(row) for row in rows], providers, today, currency)
        lines = describe_lines(frame, currency.code)
        render_choices(frame, _columns(currency.code), "Your subscriptions", key, lines)


def describe_lines(frame: pd.DataFrame, code: str) -> list[Line]:
    """The rows of the table for narrow pages."""
    lines = []
    for row in frame.to_dict("records"):
        ends = row["last_day"]
        details = (
            row["provider"],
            row["renews"],
            f"next {format_day(row['next'])}" if row["next"] else "",
            f"{format_money(row['spent'], code)} spent",
            f"since {format_day(row['first_day'])}",
            f"last day {format_day(ends)}" if ends else "",
        )
        name = f"{row['plan']}, {format_money(row['amount'], code)}"
        lines.append(Line(name, " · ".join(part for part in details if part)))
    return lines


def _columns(currency: str) -> dict[str, columns.Column]:
    return {
        "plan": columns.name("Plan"),
        "amount": columns.money("Amount", currency),
        "provider": columns.text("Provider"),
        "renews": columns.text("Renews"),
        "next": columns.day("Next renewal"),
        "spent": columns.money("Spent", currency, "All renewals up to today"),
        "first_day": columns.day("First day"),
        "last_day": columns.day("Last day"),
    }


def _render_actions(user: User, row: dict[str, Any] | None, today: date) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        fixed = explain_fixed(user, row["user_id"] if row else None)
        is_disabled = row is None or fixed is not None
        if st.button("Edit", icon=":material/edit:", disabled=is_disabled, key="edit") and row:
            edit_subscription(row, today)
        if st.button("End", icon=":material/event_busy:", disabled=is_disabled, key="end") and row:
            end_subscription(row, today)
        if st.button("Delete", icon=":material/delete:", disabled=is_disabled, key="delete") and row:
            confirm_deletion(row, today)
        if fixed or row is None:
            st.caption(fixed or "Select a subscription to change it.")


@st.dialog("Edit subscription", icon=":material/edit:", width="medium")
def edit_subscription(row: dict[str, Any], today: date) -> None:
    """Change a subscription and all its renewals."""
    user = identity.current_user()
    providers = data.load_providers(user)
    st.caption(
        "Changes apply to every renewal, including past ones. "
        "If the price changed, end this subscription and add a new one."
    )
    before = parse_subscription(row)
    fields = Fields(f"edit-{row['id']}-{row['amount_usd']}")
    fields.fill_once(
        provider=next(
            (provider for provider in providers if provider.provider_id == before.provider_id), None
        ),
        name=before.plan_name,
        amount=show_amount(before.amount_usd),
        started=before.started_on,
        day=before.renewal_day,
        interval=before.interval,
        ended=before.ended_on,
    )
    try:
        subscription = render_fields(fields, providers)
    except AmountUnreadable as wrong:
        render_refusal(wrong)
        return
    render_renewals(subscription, today, data.load_currency(user))
    if st.button("Save changes", type="primary", width="stretch", key=fields.key("save")):
        _change(user, row, subscription, f"{subscription.plan_name} updated, with its renewals.")


@st.dialog("End subscription", icon=":material/event_busy:")
def end_subscription(row: dict[str, Any], today: date) -> None:
    """Set the last day of a subscription."""
    user = identity.current_user()
    before = parse_subscription(row)
    st.text(before.plan_name)
    last_day = st.date_input(
        "Last day", max(today, before.started_on), before.started_on, LATEST_DAY, format="YYYY-MM-DD"
    )
    ended = replace(before, ended_on=last_day)
    removed = len(renewal_days(before, today)) - len(renewal_days(ended, today))
    if removed > 0:
        st.caption(f"{plural(removed, 'renewal')} after this day will be removed.")
    else:
        st.caption("It will not renew after this day. Earlier renewals stay.")
    if st.button("End subscription", type="primary", width="stretch"):
        _change(user, row, ended, f"{before.plan_name} ends on {format_day(last_day)}.")


@st.dialog("Delete this subscription?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(row: dict[str, Any], today: date) -> None:
    """Explain the effect, confirm, then delete."""
    user = identity.current_user()
    subscription = parse_subscription(row)
    st.text(subscription.plan_name)
    days = renewal_days(subscription, today)
    currency = data.load_currency(user)
    spent = format_money(spent_so_far(subscription, today, currency), currency.code)
    st.caption(
        escape_markdown(
            f"{plural(len(days), 'renewal')} ({spent}) will be removed from all totals. "
            "This cannot be undone. To keep past renewals, end it instead."
        )
    )
    if not confirm_danger("Delete subscription"):
        return
    delete_subscription(database_of(user), row["id"])
    data.forget_version(user)
    announce(f"{subscription.plan_name} deleted, with its renewals.")
    st.rerun()


@explain_refusal
def _change(user: User, row: dict[str, Any], subscription: Subscription, announcement: str) -> None:
    update_subscription(database_of(user), row["id"], subscription)
    data.forget_version(user)
    announce(announcement)
    st.rerun()
