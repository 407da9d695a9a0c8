"""Settings cards: sample data, and deleting the account."""

from datetime import date

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of, end_all_sessions
from app.parts import source_dialogs
from app.ui.cards import render_heading
from app.ui.danger import confirm_danger
from app.ui.notices import explain_refusal
from app.views.settings.card import announce_in
from tally.samples.sample import load


@explain_refusal
def render_sample(user: User, today: date) -> None:
    """Load or remove the sample data."""
    render_heading("Sample data")
    sample = data.load_sample_source(user)
    if sample:
        st.caption(
            "Your account contains six months of made-up spend, two subscriptions, prompts, experiments and "
            "invoices."
        )
    else:
        st.caption("Explore Tally with six months of made-up spend. You can remove it at any time.")
    label = "Remove sample data" if sample else "Load sample data"
    if not st.button(label, icon=":material/science:", key="sample"):
        return
    if sample:
        source_dialogs.confirm_deletion(sample)
        return
    with st.spinner("Loading…"):
        load(database_of(user), today)
    data.forget_version(user)
    announce_in("sample", "Sample data loaded.")
    st.rerun()


def render_deletion(has_shared: bool) -> None:
    """Button that opens the dialog to delete the account."""
    render_heading("Delete account")
    st.caption(
        "Deletes your account and all its data: records, imports, connections, subscriptions, forecasts."
    )
    if has_shared:
        st.caption("What you added to shared workspaces stays there, without your name.")
    if st.button("Delete account", icon=":material/delete_forever:", key="delete_account"):
        confirm_deletion()


@st.dialog("Delete your account?", icon=":material/delete_forever:")
@explain_refusal
def confirm_deletion() -> None:
    """Ask for the email address, then delete everything and sign out."""
    user = identity.current_user()
    st.caption("This cannot be undone. Export your data first to keep a copy. Enter your email to confirm:")
    st.text(user.email)
    email = st.text_input("Email", key="deleted_email", autocomplete="off")
    if not confirm_danger("Delete account and data"):
        return
    with st.spinner("Deleting…"):
        database_of(user).call("delete_own_account", email=email.strip())
    st.session_state.clear()
    end_all_sessions(user)
    st.rerun()
