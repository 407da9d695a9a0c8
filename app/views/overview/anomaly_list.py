"""List of anomalies below the overview's chart, each with a button that mutes it."""

from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from app.auth import identity
from app.data.changes import save_muted
from app.figures.anomalies import AnomalySummary
from app.formats.text import escape_markdown
from app.ui.notices import render_refusal
from tally.core.text import plural
from tally.storage.database import DatabaseError

SHOWN = 3
MUTED = "muted_anomalies"
MUTE_PROBLEM = "mute_problem"


def render_unusual(unusual: Sequence[AnomalySummary], may_mute: bool) -> None:
    """The dearest anomalies, the others in an expander, and the one just muted, so it can be undone."""
    if problem := st.session_state.pop(MUTE_PROBLEM, None):
        render_refusal(problem)
    muted: AnomalySummary | None = st.session_state.pop(MUTED, None)
    if not unusual and not muted:
        return
    with st.container(gap=None, key="unusual"):
        if muted:
            _render_line(muted, may_mute, is_muted=True)
        for anomaly in unusual[:SHOWN]:
            _render_line(anomaly, may_mute)
        if others := unusual[SHOWN:]:
            with st.expander(plural(len(others), "more unusual day")):
                for anomaly in others:
                    _render_line(anomaly, may_mute)


def _render_line(anomaly: AnomalySummary, may_mute: bool, is_muted: bool = False) -> None:
    action = "Unmute" if is_muted else "Mute"
    text = f"Muted: {anomaly.sentence}" if is_muted else anomaly.sentence
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="xxsmall"
    ):
        st.caption(escape_markdown(text), width="stretch")
        if not may_mute:
            return
        st.button(
            action,
            key=f"{action}-{anomaly.row_ids[0]}",
            type="tertiary",
            on_click=_set_muted,
            args=(anomaly, not is_muted),
            width="content",
        )


def _set_muted(anomaly: AnomalySummary, is_muted: bool) -> None:
    user = identity.current_user()
    try:
        save_muted(user, anomaly.row_ids, datetime.now(UTC) if is_muted else None)
    except DatabaseError as problem:
        st.session_state[MUTE_PROBLEM] = str(problem)
        return
    if is_muted:
        st.session_state[MUTED] = anomaly
