"""The dialogs that change or delete an entry which was added by hand."""

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth import identity
from app.data import changes
from app.parts.record_table import describe_cost, describe_moment, local_day
from app.ui.notices import render_refusal
from app.ui.periods import EARLIEST_DAY, today_in
from tally.core.amounts import AmountUnreadable, parse_amount
from tally.core.records import MAX_COST_USD, MAX_MODEL_NAME
from tally.storage.database import DatabaseError

LONGEST_NOTE = 500


@st.dialog("Edit entry", icon=":material/edit:")
def edit_entry(record: dict[str, Any], zone: ZoneInfo) -> None:
    """Change day, model, cost, requests and note of an entry."""
    user = identity.current_user()
    with st.form("edit_entry", border=False):
        day = st.date_input("Day", local_day(record, zone), EARLIEST_DAY, today_in(zone), format="YYYY-MM-DD")
        model = st.text_input("Model or plan", record["model_name"], max_chars=MAX_MODEL_NAME)
        cost = st.text_input("Cost in USD", _plain(record["cost_usd"]), max_chars=40)
        requests = st.number_input("Requests", 0, 10**9, int(record["request_count"]))
        note = st.text_input("Note", str(record["metadata"].get("note", "")), max_chars=LONGEST_NOTE)
        is_sent = st.form_submit_button("Save", type="primary", width="stretch")
    if not is_sent:
        return
    try:
        cost_usd = _parse_cost(cost, may_be_negative=record["charge_type"] in ("credit", "adjustment"))
        if not model.strip():
            raise AmountUnreadable("The model or plan is missing.")
        entry = changes.Entry(day, model.strip(), cost_usd, int(requests), note.strip())
        changes.update_record(user, record, entry, zone.key)
    except (AmountUnreadable, DatabaseError) as refused:
        render_refusal(refused)
        return
    st.rerun()


@st.dialog("Delete this entry?", icon=":material/delete:")
def confirm_deletion(record: dict[str, Any], zone: ZoneInfo) -> None:
    """Ask once, then delete."""
    user = identity.current_user()
    cost = describe_cost(record, zone, data.load_currency(user))
    st.text(f"{record['model_name']}, {cost}, {describe_moment(record, zone)}")
    st.caption("It is taken out of every total. This cannot be undone.")
    if not st.button("Delete entry", type="primary", width="stretch"):
        return
    try:
        changes.delete_record(user, record)
    except DatabaseError as refused:
        render_refusal(refused)
        return
    st.rerun()


def _parse_cost(text: str, may_be_negative: bool) -> Decimal:
    try:
        cost = parse_amount(text)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(f"The cost {unreadable}.") from None
    if cost < 0 and not may_be_negative:
        raise AmountUnreadable("The cost is negative, which only a credit or an adjustment may be.")
    if abs(cost) >= MAX_COST_USD:
        raise AmountUnreadable("The cost is beyond 100,000,000 dollars.")
    return cost


def _plain(cost: str | None) -> str:
    return "" if cost is None else f"{Decimal(cost).normalize():f}"
