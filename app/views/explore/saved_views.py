"""The menu of Explore's saved views: open one, save what is shown, rename, delete."""

from collections.abc import Callable

import streamlit as st

from app.auth.identity import User, current_user
from app.data.saved_views import SavedView, delete_view, load_views, rename_view, save_view
from app.figures.explore_view import ExploreView, parse_query
from app.formats.text import escape_markdown, shorten
from app.parts.explore_address import show
from app.ui.danger import confirm_danger
from app.ui.notices import announce, explain_refusal, render_announcement, render_refusal
from tally.storage.database import DatabaseError

MENU, NAME, NAMED, PROBLEM, PLACE = (
    f"explore_views_{part}" for part in ("menu", "name", "named", "problem", "place")
)
EVERYTHING = "split=provider"  # the page without parameters
MAX_NAME = 80
MAX_LABEL = 32  # characters


def render_saved_views(user: User, view: ExploreView) -> None:
    """The menu, named like the view that is shown."""
    views = load_views(user)
    shown = next((saved for saved in views if parse_query(saved.query) == view), None)
    label = "Views" if shown is None else shorten(shown.name, MAX_LABEL)
    menu = st.popover(escape_markdown(label), icon=":material/bookmark:", key=MENU, on_change="rerun")
    if menu.open:
        with menu:
            _render_menu(views, shown, view.to_query() or EVERYTHING)


def render_messages() -> None:
    """The outcome of the last change."""
    render_announcement(PLACE)
    if problem := st.session_state.pop(PROBLEM, None):
        render_refusal(problem)


def _render_menu(views: list[SavedView], shown: SavedView | None, query: str) -> None:
    st.caption(
        "Yours, in this workspace" if views else "No saved views yet. Save what you see to find it again."
    )
    for saved in views:
        st.button(
            escape_markdown(shorten(saved.name, MAX_LABEL)),
            icon=":material/check:" if saved is shown else ":material/bookmark:",
            key=f"view-{saved.view_id}",
            type="tertiary",
            width="stretch",
            on_click=_open,
            args=(saved,),
        )
    marker = shown.view_id if shown else ""
    if st.session_state.get(NAMED) != marker:
        st.session_state[NAMED], st.session_state[NAME] = marker, shown.name if shown else ""
    name = st.text_input("Name", key=NAME, max_chars=MAX_NAME, placeholder="Branches, this month").strip()
    is_taken = any(saved.name == name for saved in views)
    with st.container(horizontal=True, gap="small"):
        is_same = shown is not None and shown.name == name
        label = "Replace" if is_taken and not is_same else "Save as new view" if shown else "Save view"
        st.button(
            label,
            type="primary",
            disabled=not name or is_same,
            on_click=_save,
            args=(name, query),
            key="save_view",
        )
        if shown:
            can_rename = bool(name) and not is_taken
            st.button(
                "Rename", disabled=not can_rename, on_click=_rename, args=(shown, name), key="rename_view"
            )
            if st.button("Delete view…", type="tertiary", icon=":material/delete:", key="delete_view"):
                confirm_deletion(shown)


@st.dialog("Delete this view?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(saved: SavedView) -> None:
    """Confirm, then delete."""
    st.text(saved.name)
    st.caption("Costs stay as they are. Addresses that you shared still work.")
    if confirm_danger("Delete view"):
        delete_view(current_user(), saved.view_id)
        st.rerun()


def _open(saved: SavedView) -> None:
    st.session_state[MENU] = False
    show(parse_query(saved.query))


def _save(name: str, query: str) -> None:
    _change(lambda: save_view(current_user(), name, query), f"Saved “{name}”.")


def _rename(saved: SavedView, name: str) -> None:
    _change(lambda: rename_view(current_user(), saved.view_id, name), f"Renamed to “{name}”.")


def _change(action: Callable[[], object], done: str) -> None:
    try:
        action()
    except DatabaseError as problem:
        st.session_state[PROBLEM] = str(problem)
        return
    st.session_state[MENU] = False
    announce(done, PLACE)
