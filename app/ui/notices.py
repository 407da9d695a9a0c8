"""Notices of a page. Texts from outside are escaped, as Streamlit reads them as Markdown."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from app.formats.text import escape_markdown
from tally.storage.database import DatabaseError

P = ParamSpec("P")
ANNOUNCEMENT, PLACE = "announcement", "announcement_place"
# Over the page, which it would push otherwise; it fades by itself, and waits under a pointer. Screen readers
# can read it until the next run.
FLOATING = (
    f".st-key-{ANNOUNCEMENT}{{position:fixed;z-index:99;top:4.25rem;right:1.5rem;width:fit-content!important;"
    "max-width:min(28rem,calc(100vw - 3rem));border-radius:.5rem;background:Canvas;"
    "box-shadow:0 8px 24px rgba(0,0,0,.18);animation:announcement-fades 1s 9s forwards}"
    f".st-key-{ANNOUNCEMENT}:hover{{animation-play-state:paused}}"
    "@keyframes announcement-fades{to{opacity:0;pointer-events:none}}"
)


def render_refusal(problem: Exception | str) -> None:
    """An error: why something was not done."""
    st.error(escape_markdown(str(problem)), icon=":material/error:")


def explain_refusal(action: Callable[P, None]) -> Callable[P, None]:
    """Decorate an action: where the database refuses it, an error says why, and the page goes on."""

    @wraps(action)
    def explained(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            action(*args, **kwargs)
        except DatabaseError as problem:
            render_refusal(problem)

    return explained


def render_warning(text: str) -> None:
    """A warning before the user continues."""
    st.warning(escape_markdown(text), icon=":material/info:")


def announce(text: str, place: str = "") -> None:
    """Show a success message in the next run, in a place of the page that has a name."""
    st.session_state[ANNOUNCEMENT] = text
    st.session_state[PLACE] = place


def render_announcement(place: str | None = None) -> None:
    """The message of the previous run, once: that for a place, or any."""
    if place is not None and st.session_state.get(PLACE) != place:
        return
    if text := st.session_state.pop(ANNOUNCEMENT, None):
        with st.container(key=ANNOUNCEMENT):
            st.success(escape_markdown(text), icon=":material/check:")
