"""Notices of a page. Texts from outside are escaped, as Streamlit reads them as Markdown."""

import streamlit as st

from app.formats.text import escape_markdown

ANNOUNCEMENT = "announcement"


def render_refusal(problem: Exception | str) -> None:
    """An error: why something was not done."""
    st.error(escape_markdown(str(problem)), icon=":material/error:")


def render_warning(text: str) -> None:
    """A warning before the user continues."""
    st.warning(escape_markdown(text), icon=":material/info:")


def announce(text: str) -> None:
    """Show a success message in the next run."""
    st.session_state[ANNOUNCEMENT] = text


def render_announcement() -> None:
    """The message of the previous run, once."""
    if text := st.session_state.pop(ANNOUNCEMENT, None):
        st.success(escape_markdown(text), icon=":material/check:")
