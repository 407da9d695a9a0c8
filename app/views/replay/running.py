"""A replay as it runs: on demand, or at once where a link asked for it, with how far it is."""

import streamlit as st

from app import data
from app.auth.identity import User
from app.ui.navigation import clear_parameter
from app.views.replay.question import Question
from tally.pricing.replay import Replayed
from tally.storage.database import DatabaseError, NotAllowed, SignedOut, Unreachable

KNOWN, RUN = "replayed", "run"
USUAL_CALLS = 20_000  # after which the bar is half full: how many there are is not known before


def find_outcome(user: User, question: Question | None) -> Replayed | str | None:
    """The outcome of this question, if it was run; the reason where it could not be."""
    is_asked = st.button("Replay", type="primary", disabled=question is None, key="start_replay")
    if question is None:
        return None
    if RUN in st.query_params:
        clear_parameter(RUN)
        is_asked = True
    known_by = user.scope, question
    if not is_asked:
        known, found = st.session_state.get(KNOWN, (None, None))
        return found if known == known_by else None
    found = _run(user, question)
    st.session_state[KNOWN] = known_by, found
    return found


def _run(user: User, question: Question) -> Replayed | str:
    bar = st.progress(0.0, "Reading calls")

    def note(done: int, _total: int, _label: str) -> None:
        bar.progress(done / (done + USUAL_CALLS), f"{done:,} calls")

    try:
        return data.replay_calls(user, question.scenario, question.days, note)
    except (Unreachable, SignedOut, NotAllowed):
        raise
    except DatabaseError as refused:
        return str(refused)
    finally:
        bar.empty()
