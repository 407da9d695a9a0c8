"""Dialogs that change a member's role and limits, and remove a member."""

from decimal import Decimal

import streamlit as st

from app.auth import identity
from app.data import workspace_changes
from app.figures.members import Person, list_assignable
from app.formats.amount_field import read_amount, show_amount
from app.ui.danger import confirm_danger
from app.ui.notices import explain_refusal, render_refusal
from app.views.settings.card import announce_in
from tally.core.amounts import AmountUnreadable
from tally.storage.database import DatabaseError

ROLES = {
    "owner": ("Owner", "Everything, with owners, transfer and deletion of the workspace."),
    "admin": ("Admin", "Sees everything; manages members, projects, keys and prices."),
    "member": ("Member", "Adds and changes own costs; sees what “Who sees whom” allows."),
    "viewer": ("Viewer", "Sees what “Who sees whom” allows, and changes nothing."),
}
MAX_TOKENS = 10**15


def choose_role(roles: list[str], role: str) -> str:
    """Radio buttons of roles with what each may do."""
    return st.radio(
        "Role",
        roles,
        index=roles.index(role),
        format_func=lambda name: ROLES[name][0],
        captions=[ROLES[name][1] for name in roles],
    )


@st.dialog("Change role", icon=":material/edit:")
@explain_refusal
def change_role(person: Person) -> None:
    """Choose another role for a member."""
    user = identity.current_user()
    st.text(person.email)
    role = choose_role(list_assignable(user.workspace.role), person.role or "member")
    if not st.button("Change role", type="primary", width="stretch", disabled=role == person.role):
        return
    workspace_changes.set_role(user, person.user_id, role)
    announce_in("members", f"The role of {person.email} is now {ROLES[role][0]}.")
    st.rerun()


@st.dialog("Set limit", icon=":material/payments:")
def set_limit(person: Person) -> None:
    """Ask for a member's monthly limits in US dollars and tokens."""
    user = identity.current_user()
    st.text(person.email)
    with st.form("member-limit", border=False):
        usd = st.text_input(
            "Monthly limit (USD)",
            show_amount(person.monthly_usd) if person.monthly_usd else "",
            placeholder="No limit",
            max_chars=40,
        )
        tokens = st.number_input(
            "Tokens a month", 1, MAX_TOKENS, person.monthly_tokens, step=1, placeholder="No limit"
        )
        st.caption("A limit warns and does not block spending.")
        is_sent = st.form_submit_button("Set limit", type="primary", width="stretch")
    if not is_sent:
        return
    try:
        monthly_tokens = None if tokens is None else int(tokens)
        workspace_changes.set_member_limit(user, person.user_id, read_limit(usd), monthly_tokens)
    except (AmountUnreadable, DatabaseError) as problem:
        render_refusal(problem)
        return
    announce_in("members", f"Limit of {person.email} saved.")
    st.rerun()


def read_limit(text: str) -> Decimal | None:
    """A limit as typed, None for an empty field; raises AmountUnreadable."""
    if not text.strip():
        return None
    limit = read_amount(text)
    if limit <= 0:
        raise AmountUnreadable("The limit must be above 0. Leave the field empty for no limit.")
    return limit


@st.dialog("Remove this member?", icon=":material/person_remove:")
@explain_refusal
def confirm_removal(person: Person) -> None:
    """Explain the effect, confirm, then remove."""
    user = identity.current_user()
    st.text(person.email)
    st.caption("The member loses access at once. Costs that they brought stay in the workspace.")
    if not confirm_danger("Remove member"):
        return
    workspace_changes.remove_member(user, person.user_id)
    announce_in("members", f"{person.email} removed.")
    st.rerun()
