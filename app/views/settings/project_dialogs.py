"""Dialogs that create and change projects."""

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data import filing
from app.ui.notices import explain_refusal
from app.views.settings.card import announce_in

MAX_NAME_LENGTH = 100
PRIVATE_HELP = "Only admins and its members see it; others see its costs under “Other projects”."


@st.dialog("New project", icon=":material/create_new_folder:")
@explain_refusal
def create_project() -> None:
    """Ask for the name, and in a shared workspace who sees it."""
    user = identity.current_user()
    with st.form("new-project", border=False):
        name, is_private = _ask_fields(user, "", False)
        is_sent = st.form_submit_button("Create project", type="primary", width="stretch")
    if not is_sent:
        return
    filing.create_project(user, name, is_private)
    announce_in("projects", f"{name} created. A rule files records under it.")
    st.rerun()


@st.dialog("Edit project", icon=":material/edit:")
@explain_refusal
def edit_project(project: data.Project) -> None:
    """Change the name, and in a shared workspace who sees the project."""
    user = identity.current_user()
    with st.form("edit-project-form", border=False):
        name, is_private = _ask_fields(user, project.name, project.is_private)
        is_sent = st.form_submit_button("Save changes", type="primary", width="stretch")
    if not is_sent:
        return
    filing.update_project(user, project.project_id, name, is_private)
    announce_in("projects", f"{name} saved.")
    st.rerun()


@st.dialog("Members of the project", icon=":material/group:")
@explain_refusal
def choose_members(project: data.Project) -> None:
    """Choose who sees a private project besides admins."""
    user = identity.current_user()
    st.text(project.name)
    people = {
        person.user_id: person.email
        for person in data.load_people(user).values()
        if person.role in ("member", "viewer")
    }
    chosen = st.multiselect(
        "Members",
        list(people),
        [member for member in project.members if member in people],
        format_func=lambda person: people[person],
        placeholder="Nobody but admins",
    )
    if not st.button("Save members", type="primary", width="stretch", key="save-members"):
        return
    filing.set_project_members(user, project.project_id, chosen, project.members)
    announce_in("projects", f"Members of {project.name} saved.")
    st.rerun()


def _ask_fields(user: User, name: str, is_private: bool) -> tuple[str, bool]:
    text = st.text_input("Name", name, max_chars=MAX_NAME_LENGTH)
    if user.workspace.is_personal:
        return text.strip(), is_private
    return text.strip(), st.checkbox("Private", is_private, help=PRIVATE_HELP)
