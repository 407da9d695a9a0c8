"""The key that was just made, which the page shows until the user is done or goes elsewhere."""

from dataclasses import dataclass, replace

import streamlit as st

from app.auth.identity import User
from tally.api_keys.keys import MadeKey

STATE, DONE = "new-api-key", "new-key-done"


@dataclass(frozen=True, slots=True)
class Shown:
    """A new key with its name, in the workspace that it belongs to."""

    key_id: str
    name: str
    text: str
    workspace_id: str
    sends: bool
    was_drawn: bool = False


def show_new_key(user: User, made: MadeKey, name: str, sends: bool) -> None:
    """Show a key in the next runs of the page."""
    st.session_state[STATE] = Shown(made.id, name, made.text, user.workspace.workspace_id, sends)


def read_new_key(user: User) -> Shown | None:
    """The new key, if it is still to be shown.

    Streamlit forgets a button that the last run did not draw: without it, the user has left the page.
    """
    shown: Shown | None = st.session_state.get(STATE)
    if shown is None:
        return None
    has_left = shown.was_drawn and DONE not in st.session_state
    if has_left or shown.workspace_id != user.workspace.workspace_id:
        _forget_new_key()
        return None
    st.session_state[STATE] = replace(shown, was_drawn=True)
    return shown


def render_done() -> None:
    """The button that ends it."""
    st.button("Done", icon=":material/check:", on_click=_forget_new_key, key=DONE)


def _forget_new_key() -> None:
    st.session_state.pop(STATE, None)
