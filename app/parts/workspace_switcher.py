"""The field above the navigation that switches between workspaces."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.auth.identity import User
from app.auth.workspaces import Workspace
from app.parts.new_workspace import create_workspace
from app.parts.workspace_choice import enter_workspace

SWITCHER = "switcher"
CREATE, CREATE_LABEL = "create", "Create workspace…"
ASKED = "asked_for_workspace"
# Streamlit draws the navigation above everything else in the sidebar.
ABOVE_NAVIGATION = """<style>
[data-testid=stLayoutWrapper]:has(>.st-key-switcher-place){position:absolute;top:4.1rem;left:1.25rem;right:1.25rem;width:auto}
.st-key-switcher-place input{text-overflow:ellipsis}
</style>"""


def label_workspaces(workspaces: Sequence[Workspace]) -> dict[str, str]:
    """Workspace id -> name; the field tells its options apart by their text, so equal names are numbered."""
    labels: dict[str, str] = {CREATE: CREATE_LABEL}
    for workspace in workspaces:
        label, number = workspace.name, 1
        while label in labels.values():
            number += 1
            label = f"{workspace.name} ({number})"
        labels[workspace.workspace_id] = label
    return labels


def render_switcher(place: DeltaGenerator, user: User, workspaces: Sequence[Workspace]) -> None:
    """The field, for users of more than one workspace; also opens the dialog that creates another."""
    if len(workspaces) < 2:
        return
    labels = label_workspaces(workspaces)
    st.session_state[SWITCHER] = user.workspace.workspace_id
    with place.container(key="switcher-place"):
        st.html(ABOVE_NAVIGATION)
        st.selectbox(
            "Workspace",
            [*(workspace.workspace_id for workspace in workspaces), CREATE],
            format_func=lambda workspace_id: labels[workspace_id],
            key=SWITCHER,
            on_change=_switch,
            args=(user,),
            label_visibility="collapsed",
        )


def open_asked_dialog() -> None:
    """Open the dialog that was chosen in the field."""
    if st.session_state.pop(ASKED, False):
        create_workspace()


def _switch(user: User) -> None:
    chosen = st.session_state[SWITCHER]
    if chosen == CREATE:
        st.session_state[ASKED] = True
    elif chosen:
        enter_workspace(user, chosen)
