"""The field above the navigation that switches between workspaces."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.auth.identity import User
from app.auth.workspaces import Workspace
from app.parts.new_workspace import create_workspace
from app.parts.workspace_choice import enter_workspace

SWITCHER = "switcher"
CREATE = "create"
ASKED = "asked_for_workspace"
# Streamlit draws the navigation above everything else in the sidebar.
ABOVE_NAVIGATION = """<style>
[data-testid=stLayoutWrapper]:has(>.st-key-switcher-place){position:absolute;top:4.1rem;left:1.25rem;right:1.25rem;width:auto}
[data-testid=stSidebarContent]:has(.st-key-switcher-place) [data-testid=stSidebarNav]{margin-top:3.6rem}
.st-key-switcher-place input{text-overflow:ellipsis}
</style>"""


def label_workspaces(workspaces: Sequence[Workspace]) -> dict[str, str]:
    """Workspace id -> name; equal names are numbered, as the field tells its options apart by their text."""
    totals = Counter(workspace.name for workspace in workspaces)
    seen: Counter[str] = Counter()
    labels = {}
    for workspace in workspaces:
        seen[workspace.name] += 1
        number = f" ({seen[workspace.name]})" if totals[workspace.name] > 1 else ""
        labels[workspace.workspace_id] = workspace.name + number
    return labels


def render_switcher(place: DeltaGenerator, user: User, workspaces: Sequence[Workspace]) -> None:
    """The field, for users of more than one workspace; also opens the dialog that creates another."""
    if len(workspaces) < 2:
        return
    labels = label_workspaces(workspaces) | {CREATE: "Create workspace…"}
    st.session_state[SWITCHER] = user.workspace.workspace_id
    with place.container(key="switcher-place"):
        st.html(ABOVE_NAVIGATION)
        st.selectbox(
            "Workspace",
            list(labels),
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
