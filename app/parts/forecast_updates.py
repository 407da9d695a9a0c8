"""The forecast on its way: pages say that it is being updated, and show the new one when it is there."""

import streamlit as st

from app import data
from app.auth.identity import User, current_user

POLL_SECONDS = 2.0


def render_forecast_updates(user: User) -> data.ForecastState:
    """Say that changes are being forecast, and rerun the page at the end; returns the state as of now."""
    state = data.load_forecast_state(user)
    if state.is_updating:
        _render_progress()
    return state


@st.fragment(run_every=POLL_SECONDS)
def _render_progress() -> None:
    user = current_user()
    if data.load_forecast_state(user).is_updating:
        st.caption(":material/autorenew: Updating the forecast…")
        return
    data.forget_version(user)
    st.rerun()
