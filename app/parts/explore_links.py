"""Ways from other pages to Explore: the same period, split or filtered as there."""

from urllib.parse import urlencode

import streamlit as st

from app.figures.explore_view import ExploreView
from app.parts.explore_address import open_explore
from app.ui.navigation import kept_parameters
from app.ui.periods import EARLIEST_DAY, Period


def view_of(period: Period, *by: str) -> ExploreView:
    """The spend of a period, by some groupings."""
    if period.preset:
        return ExploreView(by=by, preset=period.preset)
    return ExploreView(by=by, days=(period.first or EARLIEST_DAY, period.last))


def address_of(view: ExploreView) -> str:
    """The address of a state of Explore, with the same workspace and project, for links."""
    kept = urlencode(kept_parameters())
    return "/explore?" + "&".join(part for part in (kept, view.to_query()) if part)


def render_explored_heading(text: str, view: ExploreView, note: str = "", help: str | None = None) -> None:
    """The title of a card, a note, and the button that opens Explore."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header(text, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            if note:
                st.caption(note, width="content", help=help)
            render_explore_link(text, view)


def render_explore_link(text: str, view: ExploreView) -> None:
    """The button of a card."""
    key = f"explore-{text.lower().replace(' ', '-')}"
    if st.button("Explore", icon=":material/query_stats:", type="tertiary", key=key, width="content"):
        open_explore(view)
