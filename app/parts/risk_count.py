"""The number beside Budgets in the menu: those that are exceeded or likely to be."""

from contextlib import suppress
from time import monotonic

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.budget_words import AT_RISK, count_by_filter
from app.ui.theme import number_entry
from tally.storage.database import DatabaseError

KNOWN = "budgets_at_risk"
KNOWN_SECONDS = 60
LOADS_BUDGETS = ("overview", "budgets")  # pages that have them in the cache when they are drawn


def render_known_risks(user: User) -> None:
    """Draw the number that a run before found, before the page: it waits for nothing."""
    if number := _known(user)[0]:
        number_entry("budgets", number)


def update_risks(user: User, page: str) -> None:
    """Count again, after the page: where it had the budgets anyway, else at most once a minute."""
    known, until = _known(user)
    if page not in LOADS_BUDGETS and monotonic() < until:
        return
    with suppress(DatabaseError):
        number = count_by_filter(data.load_budgets(user))[AT_RISK]
        st.session_state[KNOWN] = (user.scope, number, monotonic() + KNOWN_SECONDS)
        if number != known:
            number_entry("budgets", number)


def _known(user: User) -> tuple[int, float]:
    """The number, and until when it need not be counted again."""
    scope, number, until = st.session_state.get(KNOWN, (None, 0, 0.0))
    return (number, until) if scope == user.scope else (0, 0.0)
