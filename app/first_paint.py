"""Let the browser show the figures of a page before it is handed the charts."""

from time import sleep

import streamlit as st

# Loading Plotly keeps a browser busy for 0.2 s or more, and React then holds back what it could already show:
# without this pause the figures of a reloaded page wait for the charts. The charts come no later for it.
PAUSE_SECONDS = 0.2


def wait_for_first_paint() -> None:
    """Pause once for each page that is loaded; reruns find the charts' code in the browser."""
    if "is_painted" not in st.session_state:
        st.session_state.is_painted = True
        sleep(PAUSE_SECONDS)
