"""The parts of the Traces page that the address names: `?trace=<id>&span=<id>`, `?session=<name>`."""

import streamlit as st

from app.ui.titles import way_back

TRACE, SPAN, SESSION, FILE = "trace", "span", "session", "trace_file"


def open_trace(trace_id: str) -> None:
    """Show a trace."""
    st.query_params.pop(SPAN, None)
    st.query_params[TRACE] = trace_id


def open_session(session: str) -> None:
    """List the traces of a session."""
    st.query_params[SESSION] = session


def leave(*names: str) -> None:
    """Go back to the list, or to all sessions."""
    for name in names:
        st.query_params.pop(name, None)


def render_way_back() -> None:
    """The button that leads back to the list."""
    way_back("All traces", "back_to_traces", leave, TRACE, SPAN)
