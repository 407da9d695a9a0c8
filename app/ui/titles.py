"""The title of a page."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


def title_row(title: str) -> DeltaGenerator:
    """Draw the title and return its row, for controls at its end."""
    row = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    row.title(title, anchor=False, width="content")
    return row
