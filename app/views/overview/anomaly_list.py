"""The days out of the ordinary below the overview's chart, each muted with one click."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from app.auth import identity
from app.data.changes import save_muted
from app.figures.anomalies import Unusual
from app.formats.text import escape_markdown
from app.ui.notices import render_refusal
from tally.core.text import plural
from tally.storage.database import DatabaseError

SHOWN = 3
MUTED = "muted_anomalies"


def render_unusual(unusual: Sequence[Unusual]) -> None:
    """The newest sentences, the rest behind a click; and what was muted just now, to be taken back."""
    if problem := st.session_state.pop("mute_problem", None):
        render_refusal(problem)
    muted: Unusual | None = st.session_state.pop(MUTED, None)
    if not unusual and not muted:
        return
    with st.container(gap=None, key="unusual"):
        if muted:
            _render_line(muted, "Unmute", struck=True)
        for one in unusual[:SHOWN]:
            _render_line(one, "Mute")
        if rest := unusual[SHOWN:]:
            with st.expander(f"{plural(len(rest), 'more day')} out of the ordinary"):
                for one in rest:
                    _render_line(one, "Mute")


def _render_line(one: Unusual, action: str, struck: bool = False) -> None:
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xxsmall"
    ):
        st.caption(escape_markdown(f"Muted: {one.sentence}" if struck else one.sentence), width="stretch")
        st.button(
            action,
            key=f"{action}-{one.row_ids[0]}",
            type="tertiary",
            on_click=_mute,
            args=(one, not struck),
            width="content",
        )


def _mute(one: Unusual, is_muted: bool) -> None:
    user = identity.current_user()
    try:
        save_muted(user, one.row_ids, datetime.now(UTC) if is_muted else None)
    except DatabaseError as problem:
        st.session_state["mute_problem"] = str(problem)
        return
    if is_muted:
        st.session_state[MUTED] = one
