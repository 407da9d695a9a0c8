"""Card and dialogs to leave, transfer or delete a workspace."""

from collections.abc import Mapping

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data import workspace_changes
from app.figures.members import Person, is_only_owner
from app.parts.workspace_choice import enter_workspace
from app.ui.cards import render_heading
from app.ui.danger import confirm_danger
from app.ui.notices import announce, explain_refusal
from app.views.settings.card import announce_in

ONLY_OWNER = "You are the only owner. To leave, transfer the ownership first, or delete the workspace."


def render_leaving(user: User, people: Mapping[str, Person]) -> None:
    """Buttons to leave; owners can also transfer and delete."""
    is_owner, is_only = user.workspace.role == "owner", is_only_owner(people, user.user_id)
    render_heading("Leave, transfer or delete" if is_owner else "Leave")
    if is_owner:
        st.caption("Deleting removes the workspace and all its records for every member.")
    else:
        st.caption("You lose access at once. Costs that you brought stay in the workspace.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Leave workspace", icon=":material/logout:", disabled=is_only, key="leave"):
            confirm_leaving()
        if is_owner:
            has_others = any(p.role is not None and p.user_id != user.user_id for p in people.values())
            if st.button(
                "Transfer ownership", icon=":material/swap_horiz:", disabled=not has_others, key="transfer"
            ):
                transfer()
            if st.button("Delete workspace", icon=":material/delete_forever:", key="delete-workspace"):
                confirm_deletion()
    if is_only:
        st.caption(ONLY_OWNER)


@st.dialog("Leave this workspace?", icon=":material/logout:")
@explain_refusal
def confirm_leaving() -> None:
    """Explain the effect, confirm, then leave."""
    user = identity.current_user()
    st.text(user.workspace.name)
    st.caption("You lose access at once, until you are invited again. Costs that you brought stay.")
    if not confirm_danger("Leave workspace"):
        return
    workspace_changes.leave_workspace(user)
    _go_home(user, f"You left {user.workspace.name}.")


@st.dialog("Transfer ownership", icon=":material/swap_horiz:")
@explain_refusal
def transfer() -> None:
    """Choose the member who becomes the owner."""
    user = identity.current_user()
    people = data.load_people(user)
    others = {p.user_id: p.email for p in people.values() if p.role is not None and p.user_id != user.user_id}
    chosen = st.selectbox(
        "New owner",
        list(others),
        index=None,
        format_func=lambda user_id: others[user_id],
        placeholder="Choose a member",
    )
    st.caption("You stay in the workspace as an admin.")
    if not st.button("Transfer ownership", type="primary", width="stretch", disabled=chosen is None):
        return
    workspace_changes.transfer_ownership(user, str(chosen))
    announce_in("leaving", f"{others[str(chosen)]} is the owner now. You are an admin.")
    st.rerun()


@st.dialog("Delete this workspace?", icon=":material/delete_forever:")
@explain_refusal
def confirm_deletion() -> None:
    """Ask for the name, then delete everything."""
    user = identity.current_user()
    st.caption(
        "Deletes all records, imports, keys, projects and forecasts of this workspace, for every member. "
        "This cannot be undone. Enter its name to confirm:"
    )
    st.text(user.workspace.name)
    name = st.text_input("Name", key="deleted-name", autocomplete="off")
    if not confirm_danger("Delete workspace"):
        return
    with st.spinner("Deleting…"):
        workspace_changes.delete_workspace(user, name)
    _go_home(user, f"{user.workspace.name} was deleted.")


def _go_home(user: User, announcement: str) -> None:
    enter_workspace(user, user.user_id)
    announce(announcement)
    st.rerun()
