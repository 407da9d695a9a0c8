"""Sample data in and out, and the end of an account."""

from datetime import date

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of, end_all_sessions
from app.ui.cards import render_heading
from app.ui.notices import announce, render_refusal
from tally.spend import sample_data
from tally.storage.database import DatabaseError


def render_sample(user: User, today: date) -> None:
    """Load or remove the sample data."""
    render_heading("Sample data")
    has_sample = any(row["format"] == sample_data.FORMAT for row in data.load_import_list(user))
    if has_sample:
        st.caption("Half a year of made-up spend and two subscriptions are in your account, beside your own.")
    else:
        st.caption("Half a year of made-up spend to look around with. It can be removed again at any time.")
    label = "Remove sample data" if has_sample else "Load sample data"
    if not st.button(label, icon=":material/science:", key="sample"):
        return
    try:
        with st.spinner("Removing…" if has_sample else "Loading…"):
            database = database_of(user)
            sample_data.remove(database) if has_sample else sample_data.load(database, today)
    except DatabaseError as problem:
        render_refusal(problem)
        return
    data.forget_version(user)
    announce("The sample data is gone." if has_sample else "The sample data is loaded.")
    st.rerun()


def render_deletion() -> None:
    """The way to the dialog that deletes the account."""
    render_heading("Delete account")
    st.caption("Your account goes with everything in it: records, imports, subscriptions, forecasts.")
    if st.button("Delete my account", icon=":material/delete_forever:", key="delete_account"):
        confirm_deletion()


@st.dialog("Delete your account?", icon=":material/delete_forever:")
def confirm_deletion() -> None:
    """Ask for the email, then delete everything and sign out."""
    user = identity.current_user()
    st.caption(
        "This cannot be undone. Export your data first if you want to keep it. To go on, type your email:"
    )
    st.text(user.email)
    email = st.text_input("Email", key="deleted_email", autocomplete="off")
    if not st.button("Delete account and data", type="primary", width="stretch", key="confirm_deletion"):
        return
    try:
        with st.spinner("Deleting…"):
            database_of(user).call("delete_own_account", email=email.strip())
    except DatabaseError as problem:
        render_refusal(problem)
        return
    st.session_state.clear()
    end_all_sessions(user)
    st.rerun()
