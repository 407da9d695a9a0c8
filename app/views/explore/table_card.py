"""The card of the table: every group with its colour, share, change and trend; a row filters."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.figures.explore_change import calculate_change, show_change
from app.figures.explore_series import fill, list_moments
from app.figures.explore_words import DIMENSIONS, MEASURES, TOPS, describe_groups
from app.figures.exploring import Group
from app.formats.text import DASH, escape_markdown
from app.parts.explore_address import read_view, show
from app.parts.explore_links import address_of
from app.ui import columns
from app.ui.columns import Column
from app.ui.line_list import Line, render_lines
from app.ui.theme import current_palette
from app.views.explore.answer import Answer
from app.views.explore.chart_card import drill
from app.views.explore.records_link import explain_left_out, render_records_link
from tally.core.text import plural

TOP = "explore_top"
LEAST_TREND = 2


def render_table_card(user: User, answer: Answer) -> None:
    """Heading with the number of groups, the way to their records, and the table."""
    by = answer.now.question.by
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header(describe_groups(by) if by else "Records", anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            if by:
                _choose_top(answer.view.top)
            render_records_link(user, answer)
    if left_out := explain_left_out(answer):
        st.caption(left_out)
    if by:
        _render_table(answer)


def _render_table(answer: Answer) -> None:
    groups = answer.now.groups
    lines = [
        Line(group.label, _describe_line(answer, group), _find_address(answer, group)) for group in groups
    ]
    title = describe_groups(answer.now.question.by)
    render_lines(describe_table(answer), list_columns(answer), title, "explore_groups", lines)
    alone = sum(1 for group in groups if group.kind == "value")
    st.caption(
        escape_markdown(
            f"{alone:,} of {plural(answer.now.group_count, 'group')} shown alone, all together "
            f"{answer.show(answer.now.total.value)}. Select one to filter."
        )
    )


def _find_address(answer: Answer, group: Group) -> str:
    return address_of(drill(answer.view, group)) if group.is_filterable else ""


def _choose_top(top: int) -> None:
    st.session_state[TOP] = top
    st.selectbox(
        "Groups",
        TOPS,
        format_func=lambda count: f"Top {count}",
        key=TOP,
        on_change=_change_top,
        label_visibility="collapsed",
        width=110,
    )


def _change_top() -> None:
    show(replace(read_view(), top=st.session_state[TOP]))


def describe_table(answer: Answer) -> pd.DataFrame:
    """A row for each group; absent cells are None."""
    groups = answer.now.groups
    question = answer.now.question
    total = answer.now.total.value
    table: dict[str, object] = {"colour": answer.colours(current_palette())}
    for nth, _ in enumerate(question.by):
        table[f"group_{nth}"] = [
            group.keys[nth].label if len(group.keys) > nth else (group.label if nth == 0 else "")
            for group in groups
        ]
    if not question.by:
        table["group_0"] = [group.label for group in groups]
    table["value"] = pd.Series([group.value for group in groups], dtype=object)
    if answer.unit != "ratio":
        table["share"] = [float(100 * (group.value or 0) / total) if total else None for group in groups]
    if answer.is_compared:
        table["change"] = [calculate_change(group.value, answer.value_before(group)) for group in groups]
    moments = list_moments(answer.granularity, question.first, question.last) if answer.now.points else []
    if len(moments) >= LEAST_TREND and answer.view.chart in ("bars", "lines"):
        table["trend"] = [
            [value or 0.0 for value in fill(answer.points_of(place), moments)] for place in range(len(groups))
        ]
    table["requests"] = [group.requests for group in groups]
    return pd.DataFrame(table)


def list_columns(answer: Answer) -> dict[str, Column]:
    """The columns of the table."""
    by = answer.now.question.by
    names = {f"group_{nth}": columns.name(DIMENSIONS[name].label) for nth, name in enumerate(by)} or {
        "group_0": columns.name("Group")
    }
    return {
        "colour": columns.mark("Colour"),
        **names,
        "value": columns.number(MEASURES[answer.view.measure].label, answer.show),
        "share": columns.use("Share"),
        "change": columns.number("Change", show_change, help="Against the period that is compared"),
        "trend": columns.trend("Trend"),
        "requests": columns.requests(),
    }


def _describe_line(answer: Answer, group: Group) -> str:
    parts = [answer.show(group.value)]
    total = answer.now.total.value
    if answer.unit != "ratio" and total:
        parts.append(f"{100 * (group.value or 0) / total:.0f}%")
    if answer.is_compared:
        change = calculate_change(group.value, answer.value_before(group))
        parts.append(show_change(change) if change is not None else DASH)
    requests = (
        [plural(group.requests, "request")] if group.requests else []
    )  # none where no source counts them
    return " · ".join([*parts, *requests])
