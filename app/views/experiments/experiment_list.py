"""The list of experiments, newest first."""

from collections.abc import Sequence

import streamlit as st

from app.auth.identity import User
from app.figures.experiment_words import BADGES
from app.formats.dates import format_day
from app.formats.text import escape_markdown
from app.parts.permissions import explain_fixed
from app.ui.notices import render_announcement
from app.ui.titles import title_row
from app.views.experiments.address import NEW, open_part, render_way_back
from tally.experiments.stored import Listed

NOTHING = (
    "Compare two models, prompt versions or settings by cost and quality. "
    "Where runs pass or fail, Tally says how many it takes. A verdict comes only when there are enough."
)
STEP = 25  # cards that are drawn at first, and with each "Show more": hundreds take a browser seconds
CURRENT, ARCHIVED = "Current", "Archived"
DRAWN = "experiments-drawn"
GONE = "This experiment is not here: it was deleted, or it is of a project that you don't see."


def render_list(user: User, listed: Sequence[Listed]) -> None:
    """The page without a chosen experiment."""
    fixed = explain_fixed(user)
    with title_row("Experiments"):
        st.button(
            "New experiment", type="primary", icon=":material/add:", disabled=fixed is not None,
            on_click=open_part, args=(NEW,), help=fixed,
        )  # fmt: skip
    render_announcement()
    if not listed:
        with st.container(border=True, gap="small", key="no_experiments"):
            st.header("No experiments yet", anchor=False)
            st.text(NOTHING)
        return
    kinds = {
        CURRENT: [one for one in listed if one.status != "archived"],
        ARCHIVED: [one for one in listed if one.status == "archived"],
    }
    kind = CURRENT
    if kinds[ARCHIVED]:
        kind = st.segmented_control(
            "Experiments shown", list(kinds), default=CURRENT, required=True, key="shown_experiments",
            format_func=lambda one: f"{one} {len(kinds[one]):,}", on_change=_draw, args=(STEP,),
            label_visibility="collapsed",
        ) or CURRENT  # fmt: skip
    _render_cards(kinds[kind])


def _render_cards(listed: Sequence[Listed]) -> None:
    """The newest of them, and more on request."""
    drawn = st.session_state.get(DRAWN, STEP)
    for one in listed[:drawn]:
        _render_row(one)
    if not listed:
        st.text("Every experiment is archived.")
    elif drawn < len(listed):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(f"Newest {drawn:,} of {len(listed):,}.", width="content")
            st.button("Show more", key="more-experiments", on_click=_draw, args=(drawn + STEP,))


def _draw(count: int) -> None:
    st.session_state[DRAWN] = count


def render_missing() -> None:
    """The page of an experiment that is not there."""
    render_way_back()
    title_row("Experiments")
    with st.container(border=True):
        st.text(GONE)


def _render_row(one: Listed) -> None:
    with st.container(border=True, gap="xxsmall", key=f"experiment-{one.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                f"**{escape_markdown(one.question or one.name)}**",
                type="tertiary",
                on_click=open_part,
                args=(one.id,),
                key=f"open-{one.id}",
            )
            text, icon, colour = BADGES[one.status]
            decided = f" for {escape_markdown(one.decided_variant)}" if one.decided_variant else ""
            st.badge(text + decided, icon=icon, color=colour)  # type: ignore[arg-type]
        runs = ", ".join(f"{name} {count:,}" for name, count in one.runs.items())
        needed = "" if one.decided_variant else f" of {one.min_runs:,} each"
        st.caption(
            escape_markdown(f"{one.name} · {format_day(one.created_at.date())} · runs: {runs}{needed}")
        )
        if one.sentence:
            st.text(one.sentence)
