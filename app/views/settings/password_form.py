"""Settings card: change of password."""

import streamlit as st

from app.auth.identity import User
from app.auth.password import change_password
from app.ui.cards import render_heading
from app.ui.notices import render_refusal
from app.views.settings.card import announce_in
from tally.accounts.auth_client import MIN_PASSWORD_LENGTH, AuthError

EVERYWHERE_ELSE = "in all other browsers and on machines that collect logs"


def render_password(user: User) -> None:
    """Change the password, which ends all other sessions."""
    render_heading("Password")
    st.caption(f"Changing it signs you out {EVERYWHERE_ELSE}.")
    with st.form("password", border=False):
        with st.grid(3, min_column_width=180, gap="small"):
            current = st.text_input("Current password", type="password", autocomplete="current-password")
            new = st.text_input("New password", type="password", autocomplete="new-password")
            again = st.text_input("Confirm new password", type="password", autocomplete="new-password")
        is_sent = st.form_submit_button("Change password")
    if not is_sent:
        return
    if problem := _find_password_problem(current, new, again):
        render_refusal(problem)
        return
    try:
        change_password(user, current, new)
    except AuthError as refused:
        render_refusal(refused)
        return
    announce_in("password", f"Password changed. You were signed out {EVERYWHERE_ELSE}.")
    st.rerun()


def _find_password_problem(current: str, new: str, again: str) -> str:
    if not current:
        return "Enter your current password."
    if len(new) < MIN_PASSWORD_LENGTH:
        return f"The new password must have at least {MIN_PASSWORD_LENGTH} characters."
    if new != again:
        return "The passwords don't match."
    return ""
