"""The notice that a page's records of some days are archived."""

from datetime import date

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.archived import WHAT, describe_archived
from app.formats.text import escape_markdown


def render_archived(
    user: User, first: date | None = None, last: date | None = None, what: str = WHAT
) -> None:
    """Say which days of a period are archived, if any are, and what that means."""
    if text := describe_archived(data.load_archived(user), first, last, what):
        st.caption(f":material/inventory_2: {escape_markdown(text)}")
