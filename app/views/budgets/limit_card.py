"""The card that changes a budget's name, limit, thresholds and channels."""

import streamlit as st

from app import data
from app.auth.identity import User
from app.ui.cards import render_heading
from app.ui.notices import announce, explain_refusal, render_refusal
from app.views.budgets.budget_form import (
    read_draft,
    render_channels,
    render_limit,
    render_thresholds,
    start_from,
)
from tally.budgets.status import BudgetStatus
from tally.core.amounts import AmountUnreadable

MAX_NAME_LENGTH = 100


def render_limit_card(user: User, status: BudgetStatus) -> None:
    """The form; saving another limit lets every threshold tell again."""
    budget, key = status.budget, f"budget-{status.budget.id}"
    start = start_from(budget)
    with st.container(border=True):
        render_heading("Limit and alerts")
        with st.form(key, border=False):
            name = st.text_input("Name", budget.name, max_chars=MAX_NAME_LENGTH, key=f"{key}-name")
            limit = render_limit(start, key)
            thresholds = render_thresholds(start, key)
            channels = render_channels(data.load_channels(user), start, key)
            is_sent = st.form_submit_button("Save", type="primary")
        if not is_sent:
            return
        try:
            draft = read_draft(limit, thresholds, channels)
        except AmountUnreadable as unreadable:
            render_refusal(unreadable)
            return
        columns = {**draft.columns, "name": name.strip() or budget.name}
        _save(user, budget.id, data.BudgetDraft(columns, draft.thresholds, draft.channels))


@explain_refusal
def _save(user: User, budget_id: str, draft: data.BudgetDraft) -> None:
    data.update_budget(user, budget_id, draft)
    announce("Budget saved.")
    st.rerun()
