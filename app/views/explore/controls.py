"""The controls of Explore: measure, groupings, step of time, period and comparison."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import streamlit as st

from app.figures.explore_view import ExploreView
from app.figures.explore_words import (
    COMPARISONS,
    DIMENSIONS,
    GRANULARITIES,
    MEASURES,
    PRESETS,
    choose_granularity,
)
from app.formats.dates import format_days
from app.parts.explore_address import read_view, show
from app.ui.periods import EARLIEST_DAY, Period

OWN, NOTHING = "own", ""
UNSPLIT = ("heatmap", "calendar")
SHOWN_DAYS = "explore_shown_days"
COURSES = ("bars", "lines")


def render_controls(view: ExploreView, period: Period, today: date) -> None:
    """The fields; a choice in one shows another state of the page. A chart has those that change it."""
    days = (period.first or EARLIEST_DAY, period.last)
    st.session_state[SHOWN_DAYS] = days
    with st.container(key="explore_controls"), st.grid(6, min_column_width=132, gap="small"):
        _choose("Measure", "measure", {name: it.label for name, it in MEASURES.items()}, view.measure)
        if view.chart not in UNSPLIT:
            _choose_groupings(view)
        if view.chart in COURSES:
            shown = choose_granularity(view.per, period.days or (period.last - EARLIEST_DAY).days)
            _choose("Per", "per", GRANULARITIES, shown)
        own = format_days(*days) if view.days else "Own days…"
        presets = {"1Y": PRESETS["1Y"]} if view.chart == "calendar" else PRESETS
        preset = "1Y" if view.chart == "calendar" else view.preset
        _choose("Period", "preset", presets | {OWN: own}, OWN if view.days else preset)
        _choose("Compare", "compared", COMPARISONS, view.compared)
    if view.days:
        _choose_days(days, today)


def _choose_groupings(view: ExploreView) -> None:
    labels = {NOTHING: "Nothing"} | {name: it.label for name, it in DIMENSIONS.items()}
    first, second = (*view.by, NOTHING, NOTHING)[:2]
    _choose("By", "first", labels, first)
    if first:
        _choose("Then by", "second", _without(labels, first), second)


def _without(labels: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: label for key, label in labels.items() if key != name}


def _choose(label: str, field: str, options: Mapping[str, str], chosen: str) -> None:
    key = f"explore_{field}"
    st.session_state[key] = chosen
    st.selectbox(
        label,
        list(options),
        format_func=lambda option: options.get(option, option),
        key=key,
        on_change=_change,
        args=(field,),
    )


def _change(field: str) -> None:
    view, chosen = read_view(), st.session_state[f"explore_{field}"]
    first, second = (*view.by, None, None)[:2]
    if field == "measure":
        show(view.with_measure(chosen))
    elif field == "first":
        show(view.with_by(chosen, second))
    elif field == "second":
        show(view.with_by(first, chosen))
    elif field == "preset":
        _change_period(view, chosen)
    else:
        show(replace(view, **{field: chosen}))


def _change_period(view: ExploreView, chosen: str) -> None:
    if chosen == OWN:
        days = st.session_state.get(SHOWN_DAYS)
        show(replace(view, days=days))
    else:
        show(replace(view, preset=chosen, days=None))


def _choose_days(days: tuple[date, date], today: date) -> None:
    key = "explore_days"
    if len(st.session_state.get(key, ())) != 1:  # else the second day is being chosen
        st.session_state[key] = days
    st.date_input(
        "From and to",
        min_value=EARLIEST_DAY,
        max_value=today,
        key=key,
        on_change=_save_days,
        format="YYYY-MM-DD",
    )


def _save_days() -> None:
    days = st.session_state["explore_days"]
    if len(days) == 2:
        show(replace(read_view(), days=tuple(days)))
