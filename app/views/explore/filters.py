"""The filters of Explore: chips, which are also the way back, and the menu that adds one."""

from dataclasses import replace

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.explore_view import TOKEN_CLASS, TOKENS, ExploreView, Values
from app.figures.explore_words import DIMENSIONS
from app.figures.exploring import Question
from app.formats.money import format_money
from app.formats.text import escape_markdown, shorten
from app.parts.explore_address import read_view, show
from tally.core.text import plural

MENU, DIMENSION, SEARCH, CHOSEN = (f"explore_filter_{part}" for part in ("menu", "by", "search", "values"))
MAX_LABEL = 40  # characters
SHOWN_VALUES = 3


def render_filters(user: User, view: ExploreView, question: Question) -> None:
    """A chip for each filter, which takes itself away, and the menu."""
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="explore_filters"):
        st.caption("Where", width="content")
        if view.filters:
            st.button("All", key="chip-all", on_click=_clear)
        for dimension, values in view.filters:
            names = _name_values(user, dimension, values)
            st.button(
                f"{DIMENSIONS[dimension].label} **{escape_markdown(names)}**",
                icon=":material/close:",
                icon_position="right",
                key=f"chip-{dimension}",
                on_click=_remove,
                args=(dimension,),
            )
        menu = st.popover(
            "Add filter", icon=":material/add:", type="tertiary", key=MENU, on_change="rerun", width="content"
        )
        if menu.open:
            with menu:
                _render_menu(user, view, question)
    if gone := list_gone(user, view):
        st.caption(
            f"No longer here, or not yours to see: {' and '.join(gone)}. Take that filter away to see costs."
        )


def list_gone(user: User, view: ExploreView) -> list[str]:
    """The kinds of things that a view filters by and that no longer exist, as a sentence names them."""
    counts = {name: data.count_unknown(user, name, values) for name, values in view.filters}
    labels = {name: DIMENSIONS[name].label.lower() for name in counts}
    return [f"a {labels[name]}" if n == 1 else f"{n:,} {labels[name]}s" for name, n in counts.items() if n]


def _name_values(user: User, dimension: str, values: Values) -> str:
    """The labels of a filter's values; ids of projects, people and sources get their names."""
    names = data.name_values(user, dimension, values)
    shown = ", ".join(shorten(name, MAX_LABEL) for name in names[:SHOWN_VALUES])
    return f"{shown} and {len(names) - SHOWN_VALUES} more" if len(names) > SHOWN_VALUES else shown


def _render_menu(user: User, view: ExploreView, question: Question) -> None:
    offered = [name for name in DIMENSIONS if name != TOKEN_CLASS or view.measure == TOKENS]
    dimension = st.selectbox(
        "Filter by",
        offered,
        format_func=lambda name: DIMENSIONS[name].label,
        key=DIMENSION,
        on_change=_forget_choice,
    )
    plural_name = DIMENSIONS[dimension].plural.lower()
    search = st.text_input(f"Search {plural_name}", key=SEARCH, max_chars=200)
    choices = data.load_values(user, question, dimension, search.strip())
    currency = data.load_currency(user).code
    amounts = {value: (label, amount) for value, label, amount in choices.values}
    chosen = st.multiselect(
        DIMENSIONS[dimension].plural,
        list(amounts),
        format_func=lambda value: f"{amounts[value][0]} · {format_money(amounts[value][1], currency)}",
        key=CHOSEN,
        placeholder="Choose…",
    )
    if choices.more:
        st.caption(f"{choices.more:,} more. Search to find them.")
    st.button(
        f"Filter by {plural(len(chosen), 'value')}" if chosen else "Filter",
        type="primary",
        width="stretch",
        disabled=not chosen,
        on_click=_add,
        args=(dimension, tuple(chosen)),
        key="explore_add_filter",
    )


def _forget_choice() -> None:
    st.session_state[CHOSEN] = []
    st.session_state[SEARCH] = ""


def _add(dimension: str, values: Values) -> None:
    _forget_choice()
    st.session_state[MENU] = False
    show(read_view().with_filter(dimension, values))


def _remove(dimension: str) -> None:
    show(read_view().with_filter(dimension, ()))


def _clear() -> None:
    show(replace(read_view(), filters=()))
