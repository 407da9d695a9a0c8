"""Lists of lines that replace a table where it would scroll sideways: on phones and small tablets.

`app.ui.theme.LINE_LISTS` hides one or the other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import pandas as pd
import streamlit as st

from app.formats.text import DASH, escape_markdown
from app.ui.columns import Column
from app.ui.tables import render_table, selected_row
from app.ui.theme import Palette, current_palette

STYLE = (
    "<style>.line-list{{list-style:none;margin:0!important;padding:0!important;line-height:1.6}}"
    ".line-list li{{margin:0 0 1rem!important;padding:0!important;overflow-wrap:anywhere}}"
    ".line-list li:last-child{{margin:0!important}}.line-list div{{font-size:.875rem;color:{muted}}}</style>"
)


class Line(NamedTuple):
    """A row of a table in two lines: its name, which may lead to an address, and its other cells."""

    name: str
    details: str
    address: str = ""


def tell_apart(lines: Sequence[Line]) -> list[Line]:
    """The lines with different names, by which Streamlit tells choices apart: the second of a name is (2)."""
    seen: Counter[str] = Counter()
    named = []
    for line in lines:
        seen[line.name] += 1
        times = seen[line.name]
        named.append(line if times == 1 else line._replace(name=f"{line.name} ({times})"))
    return named


def selected_line(key: str, rows: int) -> int | None:
    """The position of the row that is selected in the table or in the list, even before they are drawn."""
    in_table = selected_row(key, rows)
    in_list: int | None = st.session_state.get(_list_key(key, rows))
    return in_table if in_list is None or in_list >= rows else in_list


def render_choices(
    frame: pd.DataFrame, columns: Mapping[str, Column], alt: str, key: str, lines: Sequence[Line]
) -> None:
    """Draw a table and a list, either to select one row; `selected_line` returns its position."""
    with st.container(key=f"narrow-{key}"):
        st.radio(
            alt,
            range(len(lines)),
            index=None,
            format_func=lambda place: escape_markdown(lines[place].name),
            captions=[escape_markdown(line.details) for line in lines],
            key=_list_key(key, len(lines)),
            label_visibility="collapsed",
        )
    with st.container(key=f"wide-{key}"):
        render_table(frame, columns, alt, key=key)


def render_links(
    frame: pd.DataFrame, columns: Mapping[str, Column], alt: str, key: str, lines: Sequence[Line]
) -> None:
    """Draw a table to select a row of, and a list whose lines lead to where that would."""
    with st.container(key=f"narrow-{key}"):
        st.html(draw_lines(lines, current_palette()))
    with st.container(key=f"wide-{key}"):
        render_table(frame, columns, alt, key=key)


def render_lines(  # noqa: PLR0913 - a table's, and its lines
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    alt: str,
    key: str,
    lines: Sequence[Line],
    absent: str = DASH,
) -> None:
    """Draw a table, and the same rows as a list; `absent` fills empty cells."""
    with st.container(key=f"narrow-{key}"):
        st.html(draw_lines(lines, current_palette()))
    with st.container(key=f"wide-{key}"):
        render_table(frame, columns, alt, absent)


def draw_lines(lines: Sequence[Line], palette: Palette) -> str:
    """The lines as one element: each element costs time, and most browsers hide the list."""
    items = "".join(f"<li>{_draw_name(line)}<div>{escape(line.details)}</div></li>" for line in lines)
    return f'{STYLE.format(muted=palette.muted)}<ul class="line-list">{items}</ul>'


def _draw_name(line: Line) -> str:
    name = escape(line.name)
    if not line.address:
        return name
    return f'<a class="tally-go" href="{escape(line.address)}" target="_self">{name}</a>'


def _list_key(key: str, rows: int) -> str:
    """The list forgets its choice when another row of the table is selected."""
    return f"list-of-{key}-{selected_row(key, rows)}"
