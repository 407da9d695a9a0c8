"""Changes of page from code, which keep the workspace in the address."""

from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.auth.workspaces import WORKSPACE
from app.ui.pages import page_path


def switch_page(name: str, workspace_id: str | None = None) -> NoReturn:
    """Open another page, in the same workspace or in the given one."""
    kept = st.query_params.get(WORKSPACE, "") if workspace_id is None else workspace_id
    _release_parameters()
    st.switch_page(page_path(name), query_params={WORKSPACE: kept} if kept else {})


def _release_parameters() -> None:
    """Unbind the parameters of widgets, which `st.switch_page` refuses to replace."""
    context = get_script_run_ctx()
    if context is None:
        return
    with context.session_state.query_params() as address:
        for name in list(address):
            if binding := address.get_binding_for_param(name):
                address.unbind_widget(binding.widget_id)
