"""The badge of a budget's state."""

from datetime import date

import streamlit as st

from app.figures.outlook import WITHIN_A_MINUTE
from app.formats.dates import format_short_day
from tally.budgets.status import State

IN_A_MINUTE = f"Forecast {WITHIN_A_MINUTE}"
BADGES = {
    State.EXCEEDED: (":material/error:", "red"),
    State.LIKELY: (":material/trending_up:", "orange"),
    State.ON_TRACK: (":material/check:", "green"),
    State.NO_FORECAST: (":material/schedule:", "gray"),
    State.PAUSED: (":material/pause:", "gray"),
}


def render_state(state: State, day: date | None, today: date, is_coming: bool = False) -> None:
    """The state, with the day on which the limit was exceeded or will most likely be.

    In place of a forecast that is missing but coming, pages say the same as beside the state.
    """
    icon, colour = BADGES[state]
    is_dated = state in (State.EXCEEDED, State.LIKELY) and day is not None
    text = f"{state.value} on {format_short_day(day, today)}" if is_dated and day else state.value
    if is_coming and state == State.NO_FORECAST:
        text = IN_A_MINUTE
    st.badge(text, icon=icon, color=colour)  # type: ignore[arg-type]
