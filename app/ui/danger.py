"""Buttons of what cannot be undone: red, with Cancel before them, which has the focus first."""

from typing import Literal

import streamlit as st

KEY = "danger-"  # the style finds the buttons by it
RED, DEEP_RED = "#D92D20", "#B42318"  # under white: 4.8 and 6.6
DANGER = (
    f'[class*="st-key-{KEY}"] [data-testid="stBaseButton-primary"]:not(:disabled)'
    f"{{background:{RED};border-color:{RED};color:#FFFFFF}}"
    f'[class*="st-key-{KEY}"] [data-testid="stBaseButton-primary"]:not(:disabled):is(:hover,:active)'
    f"{{background:{DEEP_RED};border-color:{DEEP_RED}}}"
)


def danger_button(label: str, key: str, width: Literal["stretch", "content"] = "stretch") -> bool:
    """A red button; `key` tells it from others on the page."""
    return st.button(label, type="primary", width=width, key=f"{KEY}{key}")


def confirm_danger(label: str, otherwise: str = "Cancel") -> bool:
    """A button that closes the dialog, and the one that does it; true when the latter is pressed."""
    with st.container(horizontal=True, gap="small"):
        if st.button(otherwise, width="stretch", key="cancel-danger"):
            st.rerun()
        return danger_button(label, "confirm")
