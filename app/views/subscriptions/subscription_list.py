"""The person's subscriptions, and changing, ending and deleting them."""

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
from app.figures.renewals import describe_next, describe_rhythm, renewal_days, spent_so_far
from app.formats.amount_field import show_amount
from app.formats.dates import format_day
from app.formats.money import format_money
from app.formats.text import DASH, escape_markdown
from app.parts.subscription_form import LATEST_DAY, Fields, parse_subscription, render_fields, render_renewals
from app.ui.cards import render_heading
from app.ui.notices import announce, render_refusal
from tally.core.amounts import AmountUnreadable
from tally.core.text import plural
from tally.spend.subscriptions import Subscription, delete_subscription, update_subscription
from tally.storage.database import DatabaseError

COLUMN = st.column_config
COLUMNS = {
    "Plan": COLUMN.TextColumn("Plan"),
    "Amount": COLUMN.TextColumn("Amount", alignment="right"),
    "So far": COLUMN.TextColumn("So far", alignment="right", help="All renewals up to today"),
}


def describe_subscriptions(
    subscriptions: Sequence[Subscription],
    providers: Sequence[data.Provider],
    today: date,
    currency: Currency,
) -> pd.DataFrame:
    """One line a subscription."""
    names = {provider.provider_id: provider.name for provider in providers}
    lines = [
        {
            "Plan": subscription.plan_name,
            "Provider": names.get(subscription.provider_id, DASH),
            "Amount": format_money(currency.convert(subscription.amount_usd, today), currency.code),
            "Renews": describe_rhythm(subscription),
            "Next": describe_next(subscription, today),
            "So far": format_money(spent_so_far(subscription, today, currency), currency.code),
            "First day": format_day(subscription.started_on),
            "Last day": format_day(subscription.ended_on) if subscription.ended_on else None,
        }
        for subscription in subscriptions
    ]
    return pd.DataFrame(lines)


def render_subscriptions(user: User, today: date) -> None:
    """The list, and what can be done with the selected one."""
    rows = data.load_subscriptions(user)
    providers = data.load_providers(user)
    with st.container(border=True):
        render_heading("Your plans")
        if not rows:
            st.caption("None yet. What you add here is counted on each of its renewal days by itself.")
            return
        table_key = f"subscriptions-{rows[0]['id']}-{len(rows)}"
        selected = st.session_state.get(table_key, {}).get("selection", {}).get("rows", [])
        row = rows[selected[0]] if selected and selected[0] < len(rows) else None
        _render_actions(row, today)
        st.dataframe(
            describe_subscriptions(
                [parse_subscription(row) for row in rows], providers, today, data.load_currency(user)
            ),
            hide_index=True,
            height="content" if len(rows) <= 12 else 460,
            key=table_key,
            on_select="rerun",
            selection_mode="single-row",
            column_config=COLUMNS,
            placeholder=DASH,
            alt="Your subscriptions",
        )


def _render_actions(row: dict[str, Any] | None, today: date) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        nothing = row is None
        if st.button("Edit", icon=":material/edit:", disabled=nothing, key="edit") and row:
            edit_subscription(row, today)
        if st.button("End", icon=":material/event_busy:", disabled=nothing, key="end") and row:
            end_subscription(row, today)
        if st.button("Delete", icon=":material/delete:", disabled=nothing, key="delete") and row:
            confirm_deletion(row, today)
        if nothing:
            st.caption("Select a subscription to change it.")


@st.dialog("Edit subscription", icon=":material/edit:", width="medium")
def edit_subscription(row: dict[str, Any], today: date) -> None:
    """Change a subscription with all its renewals."""
    user = identity.current_user()
    providers = data.load_providers(user)
    st.caption(
        "Changes apply to every renewal, past ones included. "
        "If the price changed, end this one and add a new one."
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
    if st.button("Save", type="primary", width="stretch", key=fields.key("save")):
        _change(user, row, subscription, f"{subscription.plan_name} changed, with its renewals.")


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
    gone = len(renewal_days(before, today)) - len(renewal_days(ended, today))
    if gone > 0:
        st.caption(f"{plural(gone, 'renewal')} after this day will be removed.")
    else:
        st.caption("Renewals up to this day stay; there will be none after it.")
    if st.button("End subscription", type="primary", width="stretch"):
        _change(user, row, ended, f"{before.plan_name} ends on {format_day(last_day)}.")


@st.dialog("Delete this subscription?", icon=":material/delete:")
def confirm_deletion(row: dict[str, Any], today: date) -> None:
    """Say what goes, ask once, then delete."""
    user = identity.current_user()
    subscription = parse_subscription(row)
    st.text(subscription.plan_name)
    days = renewal_days(subscription, today)
    currency = data.load_currency(user)
    spent = format_money(spent_so_far(subscription, today, currency), currency.code)
    st.caption(
        escape_markdown(
            f"{plural(len(days), 'renewal')} ({spent}) will be taken out of every total. "
            "This cannot be undone. To keep what was paid, end it instead."
        )
    )
    if not st.button("Delete subscription", type="primary", width="stretch"):
        return
    try:
        delete_subscription(database_of(user), row["id"])
    except DatabaseError as problem:
        render_refusal(problem)
        return
    data.forget_version(user)
    announce(f"{subscription.plan_name} deleted, with its renewals.")
    st.rerun()


def _change(user: User, row: dict[str, Any], subscription: Subscription, announcement: str) -> None:
    try:
        update_subscription(database_of(user), row["id"], subscription)
    except DatabaseError as problem:
        render_refusal(problem)
        return
    data.forget_version(user)
    announce(announcement)
    st.rerun()
