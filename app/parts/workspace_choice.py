"""The workspace that pages show: `?workspace=<id>` in the address, or else the personal one."""

from typing import NoReturn

import streamlit as st

from app import data
from app.auth.identity import (
    User,
    current_user,
    forget_last_workspace,
    forget_workspaces,
    save_last_workspace,
)
from app.auth.workspaces import WORKSPACE
from app.ui.navigation import clear_parameter
from app.ui.notices import render_warning
from tally.storage.database import NotAllowed

ENTERED = "entered_workspace"
NOTICE = "workspace_notice"
SHOWN = "shown_workspace"
KEPT_JOBS = "kept_jobs"
JOBS = ("import_job", "import_again", "scan_job")  # session keys of background jobs
OUT_OF_REACH = (
    "You can't open that workspace. It was deleted, or you are not a member of it. "
    "This is your personal workspace."
)


def render_address() -> None:
    """Bind the workspace to the address.

    A field keeps its parameter when the page changes, and follows the browser's Back and Forward; each change
    of `st.query_params` would add an entry to the browser's history. `apply_styles` hides the field.
    """
    if ENTERED in st.session_state:
        st.session_state[WORKSPACE] = st.session_state.pop(ENTERED)
    st.text_input("Workspace", key=WORKSPACE, bind="query-params")


def enter_workspace(user: User, workspace_id: str) -> None:
    """Choose the workspace of the next run, and of later visits."""
    _set_address(user, workspace_id)
    save_last_workspace(user, workspace_id)


def open_workspace() -> User:
    """The signed-in user in the chosen workspace, with the present role.

    A workspace that the user may not see is left for the personal one, with a notice.
    """
    user = _find_workspace()
    try:
        role = data.load_role(user)
    except NotAllowed:
        if user.workspace.is_personal:
            raise
        forget_workspaces(user)
        _leave(user, f"You are no longer a member of {user.workspace.name}. This is your personal workspace.")
    if role != user.workspace.role:
        forget_workspaces(user)
        user = current_user()
    _show_own_jobs(user.workspace.workspace_id)
    return user


def render_notice() -> None:
    """The reason why the last run left a workspace, once."""
    if notice := st.session_state.pop(NOTICE, ""):
        render_warning(notice)


def _find_workspace() -> User:
    user, wanted = current_user(), st.session_state.get(WORKSPACE)
    if not wanted or not user.workspace.is_personal:
        return user
    if wanted.lower() == user.user_id:
        _leave(user, "")
    forget_workspaces(user)  # another program may have made the user a member
    user = current_user()
    return _leave(user, OUT_OF_REACH) if user.workspace.is_personal else user


def _show_own_jobs(workspace_id: str) -> None:
    """Put aside the background jobs of the workspace shown before, and bring back those of this one."""
    before = st.session_state.get(SHOWN)
    st.session_state[SHOWN] = workspace_id
    if before in (None, workspace_id):
        return
    kept = st.session_state.setdefault(KEPT_JOBS, {})
    kept[before] = {name: st.session_state.pop(name) for name in JOBS if name in st.session_state}
    st.session_state.update(kept.pop(workspace_id, {}))


def _leave(user: User, notice: str) -> NoReturn:
    forget_last_workspace(user, st.session_state[WORKSPACE])
    clear_parameter(WORKSPACE)
    _set_address(user, user.user_id)
    st.session_state[NOTICE] = notice
    st.rerun()


def _set_address(user: User, workspace_id: str) -> None:
    st.session_state[ENTERED] = "" if workspace_id == user.user_id else workspace_id
