"""What a page says about something done or refused. Texts from outside stay text: st.error reads Markdown."""

import streamlit as st

from app.formats.text import escape_markdown

ANNOUNCEMENT = "announcement"


def render_refusal(problem: Exception | str) -> None:
    """Why something was not done."""
    st.error(escape_markdown(str(problem)), icon=":material/error:")


def render_warning(text: str) -> None:
    """What a person should know before they go on."""
    st.warning(escape_markdown(text), icon=":material/info:")


def announce(text: str) -> None:
    """Say in the next run that something was done."""
    st.session_state[ANNOUNCEMENT] = text


def render_announcement() -> None:
    """What the run before had to say, once."""
    if text := st.session_state.pop(ANNOUNCEMENT, None):
        st.success(escape_markdown(text), icon=":material/check:")
