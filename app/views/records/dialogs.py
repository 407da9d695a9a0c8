"""Dialogs that edit and delete a manual entry."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth import identity
from app.data import changes
from app.ui.danger import confirm_danger
from app.ui.notices import explain_refusal, render_refusal
from app.ui.periods import EARLIEST_DAY, today_in
from app.views.records.table import describe_cost, describe_moment, local_day
from tally.core.amounts import AmountUnreadable, parse_amount
from tally.core.records import MAX_COST_USD, MAX_MODEL_NAME
from tally.storage.database import DatabaseError

MAX_NOTE_LENGTH = 500
MAX_REQUESTS = 10**9


@st.dialog("Edit entry", icon=":material/edit:")
def edit_entry(record: dict[str, Any], zone: ZoneInfo) -> None:
    """Change the day, model, cost, requests and note of an entry."""
    user = identity.current_user()
    with st.form("edit_entry", border=False):
        day = st.date_input("Day", local_day(record, zone), EARLIEST_DAY, today_in(zone), format="YYYY-MM-DD")
        model = st.text_input("Model or plan", record["model_name"], max_chars=MAX_MODEL_NAME)
        cost = st.text_input("Cost in USD", _format_plain(record["cost_usd"]), max_chars=40)
        requests = st.number_input("Requests", 0, MAX_REQUESTS, int(record["request_count"]))
        note = st.text_input("Note", str(record["metadata"].get("note", "")), max_chars=MAX_NOTE_LENGTH)
        is_sent = st.form_submit_button("Save changes", type="primary", width="stretch")
    if not is_sent:
        return
    try:
        cost_usd = _parse_cost(cost, may_be_negative=record["charge_type"] in ("credit", "adjustment"))
        if not model.strip():
            raise AmountUnreadable("Enter the model or plan.")
        entry = changes.Entry(day, model.strip(), cost_usd, int(requests), note.strip())
        changes.update_record(user, record, entry, zone.key)
    except (AmountUnreadable, DatabaseError) as refused:
        render_refusal(refused)
        return
    st.rerun()


@st.dialog("Delete this entry?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(record: dict[str, Any], zone: ZoneInfo) -> None:
    """Confirm, then delete."""
    user = identity.current_user()
    cost = describe_cost(record, zone, data.load_currency(user))
    st.text(f"{record['model_name']}, {cost}, {describe_moment(record, zone)}")
    st.caption("It will be removed from all totals. This cannot be undone.")
    if not confirm_danger("Delete entry"):
        return
    changes.delete_record(user, record)
    st.rerun()


def _parse_cost(text: str, may_be_negative: bool) -> Decimal:
    try:
        cost = parse_amount(text)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(f"The cost {unreadable}.") from None
    if cost < 0 and not may_be_negative:
        raise AmountUnreadable("Only credits and adjustments can be negative.")
    if abs(cost) >= MAX_COST_USD:
        raise AmountUnreadable("The cost must be below $100,000,000.")
    return cost


def _format_plain(cost: str | None) -> str:
    return "" if cost is None else f"{Decimal(cost).normalize():f}"
