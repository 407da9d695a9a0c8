"""The title of a page, the way to the pages beside it, and the way back to its list."""

from collections.abc import Callable, Sequence

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


def way_back(label: str, key: str, leave: Callable[..., None], *arguments: str | None) -> None:
    """The button that leads back from a part of a page to its list."""
    st.button(
        label,
        icon=":material/chevron_left:",
        type="tertiary",
        on_click=leave,
        args=arguments,
        key=key,
    )


def _render_parts(parts: Sequence[Page]) -> None:
    with st.container(horizontal=True, gap="xsmall", key="parts"):
        for page in parts:
            st.page_link(
                page_path(page.name),
                label=page.part or page.title,
                width="content",
                query_params=kept_parameters(),
            )
