"""Changes of page and address from code."""

from collections.abc import Iterable, Mapping
from typing import NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.auth.workspaces import WORKSPACE
from app.ui.pages import page_path

KEPT = (WORKSPACE, "project")  # parameters of fields that every page has


def kept_parameters() -> dict[str, str]:
    """The parameters of the address that go along to another page."""
    return {parameter: st.query_params[parameter] for parameter in KEPT if parameter in st.query_params}


def switch_page(name: str, workspace_id: str | None = None, **parameters: str | list[str]) -> NoReturn:
    """Open another page with parameters, with the same workspace and project or in the given workspace."""
    kept = kept_parameters() if workspace_id is None else {WORKSPACE: workspace_id}
    opened: dict[str, str | list[str]] = {**kept, **parameters}
    _unbind(*st.query_params, *opened)
    st.switch_page(page_path(name), query_params=opened)


def replace_parameters(names: Iterable[str], values: Mapping[str, list[str]]) -> None:
    """Give these parameters other values, or none, as one entry in the browser's history."""
    if context := get_script_run_ctx():
        with context.session_state.query_params() as address:
            for name in names:
                address.discard_param_no_forward_msg(name)
    st.query_params.update(values)


def clear_parameter(name: str) -> None:
    """Remove a parameter from the address, also if a widget is bound to it."""
    _unbind(name)
    st.query_params.pop(name, None)


def _unbind(*parameters: str) -> None:
    """Release parameters from their widgets, as `st.query_params` and `st.switch_page` refuse bound ones."""
    context = get_script_run_ctx()
    if context is None:
        return
    with context.session_state.query_params() as address:
        for name in parameters:
            if binding := address.get_binding_for_param(name):
                address.unbind_widget(binding.widget_id)
