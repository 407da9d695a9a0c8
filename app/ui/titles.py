"""The title of a page, and the way to the pages beside it."""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app.ui.navigation import kept_parameters
from app.ui.pages import Page, list_parts, page_path


def title_row(title: str) -> DeltaGenerator:
    """Draw the title with the pages that share its menu entry; returns its row, for controls at the end."""
    row = st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute")
    row.title(title, anchor=False, width="content")
    if parts := list_parts(title):
        _render_parts(parts)
    return row


def _render_parts(parts: Sequence[Page]) -> None:
    with st.container(horizontal=True, gap="xsmall", key="parts"):
        for page in parts:
            st.page_link(
                page_path(page.name),
                label=page.part or page.title,
                width="content",
                query_params=kept_parameters(),
            )
