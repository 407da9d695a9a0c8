"""Lists of lines that replace a table where it would scroll sideways: on phones and small tablets.

`app/static/tables.css` hides one or the other, and `app.ui.theme.LINE_LISTS` where a row can be selected.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

import pandas as pd
import streamlit as st

from app.formats.text import DASH, WORD_JOINER, escape_markdown
from app.ui.columns import Column
from app.ui.html_table import MOST_ROWS, Look, draw_table
from app.ui.tables import is_absent, render_table, selected_row
from app.ui.theme import Palette, current_palette

STYLE = (
    "<style>.line-list{{list-style:none;margin:0!important;padding:0!important;line-height:1.6}}"
    ".line-list li{{margin:0 0 1rem!important;padding:0!important;overflow-wrap:anywhere}}"
    ".line-list li:last-child{{margin:0!important}}.line-list div{{font-size:.875rem;color:{muted}}}"
    ".line-list a{{color:inherit;text-decoration-color:{accent};text-underline-offset:3px}}</style>"
)


class Line(NamedTuple):
    """A row of a table in two lines: its name, which may lead to an address, and its other cells."""

    name: str
    details: str
    address: str = ""


def tell_apart(lines: Sequence[Line]) -> list[str]:
    """The names of choices as Markdown, each different, as Streamlit finds the chosen one by its name.

    Those that read alike end in a different number of invisible marks.
    """
    seen: Counter[str] = Counter()
    names = []
    for line in lines:
        names.append(escape_markdown(line.name) + WORD_JOINER * seen[line.name])
        seen[line.name] += 1
    return names


def selected_line(key: str, rows: int) -> int | None:
    """The position of the row that is selected in the table or in the list, even before they are drawn."""
    in_table = selected_row(key, rows)
    in_list: int | None = st.session_state.get(_list_key(key, rows))
    return in_table if in_list is None or in_list >= rows else in_list


def forget_line(key: str, rows: int) -> None:
    """Select no row any more."""
    for each in (key, _list_key(key, rows)):
        st.session_state.pop(each, None)


def render_choices(  # noqa: PLR0913 - a table's, and its lines
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    alt: str,
    key: str,
    lines: Sequence[Line] | None = None,
    absent: str = DASH,
) -> None:
    """Draw a table and a list, either to select one row; `selected_line` returns its position.

    `app/static/tables.js` makes a click on a row of the table one on the list's choice.
    """
    listed = make_lines(frame, columns) if lines is None else lines
    names = tell_apart(listed)
    with st.container(key=f"narrow-{key}"):
        st.radio(
            alt,
            range(len(listed)),
            index=None,
            format_func=names.__getitem__,
            captions=[escape_markdown(line.details) for line in listed],
            key=_list_key(key, len(listed)),
            label_visibility="collapsed",
        )
    with st.container(key=f"wide-{key}"):
        if len(frame) > MOST_ROWS:
            render_table(frame, columns, alt, absent, key)
            return
        chosen = selected_line(key, len(listed))
        look = Look(key, alt, current_palette(), absent, is_choice=True, chosen=chosen)
        st.html(draw_table(frame, columns, look))


def render_lines(  # noqa: PLR0913 - a table's, and its lines
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    alt: str,
    key: str,
    lines: Sequence[Line] | None = None,
    absent: str = DASH,
) -> None:
    """Draw a table, and the same rows as a list; `absent` fills empty cells.

    Rows lead to the addresses of their lines. A table that is too long for HTML leads nowhere.
    """
    palette = current_palette()
    listed = draw_lines(make_lines(frame, columns) if lines is None else lines, palette)
    if len(frame) <= MOST_ROWS:
        look = Look(key, alt, palette, absent, [line.address for line in lines or ()])
        st.html(f'<div class="tally-lines">{listed}</div>{draw_table(frame, columns, look)}')
        return
    with st.container(key=f"narrow-{key}"):
        st.html(listed)
    with st.container(key=f"wide-{key}"):
        render_table(frame, columns, alt, absent)


def make_lines(frame: pd.DataFrame, columns: Mapping[str, Column]) -> list[Line]:
    """A line for each row: its first cell, and what else it has, numbers with their headings."""
    shown = {name: kind for name, kind in columns.items() if name in frame.columns and not kind.markup}
    return [
        Line(first, " · ".join(text for text in others if text))
        for first, *others in zip(*(_tell(frame[name], kind) for name, kind in shown.items()), strict=True)
    ]


def _tell(values: pd.Series, kind: Column) -> list[str]:
    heading = f"{kind.label} " if kind.is_right else ""
    return [
        "" if is_absent(value) else f"{heading}{kind.show(value) if kind.show else value}" for value in values
    ]


def draw_lines(lines: Sequence[Line], palette: Palette) -> str:
    """The lines as one element: each element costs time, and most browsers hide the list."""
    items = "".join(f"<li>{_draw_name(line)}<div>{escape(line.details)}</div></li>" for line in lines)
    return f'{STYLE.format(muted=palette.muted, accent=palette.accent)}<ul class="line-list">{items}</ul>'


def _draw_name(line: Line) -> str:
    name = escape(line.name)
    if not line.address:
        return name
    return f'<a class="tally-go" href="{escape(line.address)}" target="_self">{name}</a>'


def _list_key(key: str, rows: int) -> str:
    """The list forgets its choice when another row of the table is selected."""
    return f"list-of-{key}-{selected_row(key, rows)}"
