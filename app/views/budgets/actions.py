"""Buttons that pause, resume and delete a budget."""

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.parts.budget_address import open_part
from app.ui.danger import confirm_danger
from app.ui.notices import announce, explain_refusal
from tally.budgets.status import BudgetStatus


def render_actions(user: User, status: BudgetStatus) -> None:
    """Pause or resume at once; deleting asks first."""
    is_paused = status.budget.paused_at is not None
    with st.container(horizontal=True, width="content", gap="small"):
        label, icon = ("Resume", "play_arrow") if is_paused else ("Pause", "pause")
        if st.button(label, icon=f":material/{icon}:", key="pause_budget"):
            _pause(user, status, not is_paused)
        if st.button("Delete", icon=":material/delete:", key="delete_budget"):
            confirm_deletion(status.budget.id, status.budget.name)


@explain_refusal
def _pause(user: User, status: BudgetStatus, is_paused: bool) -> None:
    data.pause_budget(user, status.budget.id, is_paused)
    effect = "is paused: nobody hears of it" if is_paused else "goes on"
    announce(f"Budget {status.budget.name} {effect}.")
    st.rerun()


@st.dialog("Delete this budget?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(budget_id: str, name: str) -> None:
    """Ask before a budget is deleted."""
    user = identity.current_user()
    st.text(name)
    st.caption("Its thresholds go with it. What it told before stays in the history of alerts.")
    if not confirm_danger("Delete budget"):
        return
    data.delete_budget(user, budget_id)
    announce(f"Budget {name} deleted.")
    open_part(None)
    st.rerun()
