"""Settings card: for how many days traces are kept."""

import streamlit as st

from app import data
from app.auth.identity import User, database_of
from app.ui.cards import render_heading
from app.ui.notices import explain_refusal
from app.views.settings.card import announce_in
from tally.core.text import plural

MOST_DAYS = 400


def render_traces(user: User) -> None:
    """A form for admins, a sentence for others."""
    days = data.load_trace_days(user)
    render_heading("Traces")
    if not user.workspace.may_administer:
        st.text(f"Kept for {plural(days, 'day')}.")
        return
    st.caption("Older traces are deleted each night. What their calls cost stays.")
    with st.form("trace-days", border=False):
        chosen = st.number_input("Days to keep traces", 1, MOST_DAYS, days, step=1)
        is_sent = st.form_submit_button("Save days")
    if is_sent:
        _save(user, int(chosen))


@explain_refusal
def _save(user: User, days: int) -> None:
    database_of(user).call("set_trace_days", days=days)
    announce_in("traces", f"Traces are kept for {plural(days, 'day')}.")
    st.rerun()
