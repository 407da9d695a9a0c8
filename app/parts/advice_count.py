"""The number beside Advice in the menu: what is open."""

from contextlib import suppress
from time import monotonic

import streamlit as st

from app import data
from app.auth.identity import User
from app.ui.theme import number_entry
from tally.storage.database import DatabaseError

KNOWN = "open_advice"
KNOWN_SECONDS = 60


def render_known_advice(user: User) -> None:
    """Draw the number that a run before found, before the page: it waits for nothing."""
    _draw(_known(user)[0])


def update_advice(user: User, page: str) -> None:
    """Count again, after the page: on that of advice, else at most once a minute."""
    known, until = _known(user)
    if page != "advice" and monotonic() < until:
        return
    with suppress(DatabaseError):
        number = sum(one.status == "open" for one in data.load_advice(user))
        st.session_state[KNOWN] = (user.scope, number, monotonic() + KNOWN_SECONDS)
        if number != known:
            _draw(number, True)


def _draw(number: int, is_new: bool = False) -> None:
    if number or is_new:
        number_entry("advice", number, "open", True)


def _known(user: User) -> tuple[int, float]:
    """The number, and until when it need not be counted again."""
    scope, number, until = st.session_state.get(KNOWN, (None, 0, 0.0))
    return (number, until) if scope == user.scope else (0, 0.0)
