"""The state of Explore in the address: one change, one entry in the browser's history; and ways there."""

import streamlit as st

from app.figures.explore_view import PARAMETERS, ExploreView, parse_view
from app.ui.navigation import replace_parameters, switch_page

CLICKS = "explore_clicks"


def read_view() -> ExploreView:
    """The state that the address names."""
    return parse_view({name: st.query_params.get_all(name) for name in PARAMETERS if name in st.query_params})


def show(view: ExploreView) -> None:
    """Show another state, to which Back returns."""
    # Charts and tables get new keys, or the browser would still take their clicked part for selected.
    st.session_state[CLICKS] = count_clicks() + 1
    replace_parameters(PARAMETERS, view.to_address())


def count_clicks() -> int:
    """The number of changes of this session, for keys."""
    clicks: int = st.session_state.get(CLICKS, 0)
    return clicks


def open_explore(view: ExploreView) -> None:
    """Open the page from another one."""
    switch_page("explore", None, **view.to_address())
