"""Places of charts that a page draws last.

A browser draws a table 0.3 s after its message, and rests for most of that time: meanwhile it can draw a
chart, which keeps it busy. The place is as high before, so that nothing moves.
"""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

HEIGHTS = {"token-classes": 230, "course": 360, "plan-months": 280}  # pixels, as those of the charts
STYLE = "".join(f".st-key-late-{name}{{min-height:{height}px}}" for name, height in HEIGHTS.items())


def late_chart(name: str) -> DeltaGenerator:
    """The place of one of these charts, for the chart once everything else is drawn."""
    return st.container(key=f"late-{name}")
