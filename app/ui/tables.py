"""The table that all pages use: its cells, height, description and selection."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from app.formats.text import DASH
from app.ui.columns import Column

ROWS_SHOWN_WHOLE = 25
SCROLLING_HEIGHT = 460  # pixels
LETTER_WIDTH = 7.1  # pixels, on average
CELL_PADDING = 18
SORT_HINT = "Numbers and dates sort by value."


def render_table(
    frame: pd.DataFrame,
    columns: Mapping[str, Column],
    alt: str,
    absent: str = DASH,
    key: str | None = None,
) -> None:
    """Draw those `columns` that the frame has; `alt` is for screen readers, `absent` fills empty cells.

    With a key one row can be selected; `selected_row` returns it in the next run.
    """
    shown = {column: kind for column, kind in columns.items() if column in frame.columns}
    st.dataframe(
        style_cells(frame, shown),
        hide_index=True,
        height=table_height(len(frame)),
        row_height=max((kind.row_height for kind in shown.values() if kind.row_height), default=None),
        column_config=configure_columns(frame, shown),
        placeholder=absent,
        alt=f"{alt.removesuffix('.')}. {SORT_HINT}",
        key=key,
        on_select="rerun" if key else "ignore",
        selection_mode="single-row",
    )


def selected_row(key: str, rows: int) -> int | None:
    """The position of the selected row in a table of `rows` rows, even before the table is drawn."""
    positions = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
    return positions[0] if positions and positions[0] < rows else None


def style_cells(frame: pd.DataFrame, columns: Mapping[str, Column]) -> Styler:
    """Cells that sort by value, and their texts; the frame has every one of `columns`."""
    cells = pd.DataFrame({column: _convert(frame[column], kind) for column, kind in columns.items()})
    for column, kind in columns.items():
        if kind.show and kind.dtype == "float64":
            cells[column] = _tell_apart(frame[column], cells[column], kind.show)
    formats = {
        column: _format_cells(frame[column], cells[column], kind.show)
        for column, kind in columns.items()
        if kind.show
    }
    return cells.style.format(formats)


def rank_cells(values: pd.Series, kind: Column) -> list[int | None]:
    """The place of each cell among those of its column, the same for equal ones; None for absent ones."""
    cells = _convert(values, kind)
    if cells.dtype == object:
        cells = cells.map(lambda cell: None if is_absent(cell) else str(cell).casefold())
    ranks = cells.rank(method="dense")
    return [None if is_absent(rank) else int(rank) for rank in ranks]


def configure_columns(frame: pd.DataFrame, columns: Mapping[str, Column]) -> dict[str, Any]:
    """Streamlit's configuration of each column; some texts give it a width."""
    return {
        column: kind.config | {"width": width}
        if (width := _find_width(frame[column], kind)) is not None
        else kind.config
        for column, kind in columns.items()
    }


def _find_width(texts: pd.Series, kind: Column) -> int | None:
    if kind.most_width is None:
        return None
    letters = max((len(text) for text in texts if isinstance(text, str)), default=0)
    if LETTER_WIDTH * letters > kind.most_width:
        return kind.most_width
    is_longer = letters > len(str(kind.config.get("label") or ""))
    return round(LETTER_WIDTH * letters) + CELL_PADDING if kind.fits and is_longer else None


def table_height(rows: int) -> int | Literal["content"]:
    """The height of all rows; longer tables have a fixed height and scroll."""
    return "content" if rows <= ROWS_SHOWN_WHOLE else SCROLLING_HEIGHT


def _convert(values: pd.Series, kind: Column) -> pd.Series:
    if kind.sort_value is None:
        return values.astype(kind.dtype)
    cells = [None if is_absent(value) else kind.sort_value(value) for value in values]
    return pd.Series(cells, values.index, kind.dtype)


def _tell_apart(values: pd.Series, cells: pd.Series, show: Callable[[Any], str]) -> pd.Series:
    """Make cells that sort alike but have different texts, such as `0 of 3` and `0%`, differ by the least.

    The texts of a column belong to the values of its cells.
    """
    texts: dict[float, str] = {}
    apart = []
    for value, cell in zip(values, cells, strict=True):
        if not is_absent(value):
            text = show(value)
            while texts.setdefault(cell, text) != text:
                cell = math.nextafter(cell, math.inf)
        apart.append(cell)
    return pd.Series(apart, cells.index, cells.dtype)


def _format_cells(
    values: pd.Series, cells: pd.Series, show: Callable[[Any], str]
) -> str | Callable[[object], str] | None:
    """Map cells to the texts of their exact values."""
    pairs = zip(values, cells, strict=True)
    texts: dict[object, str] = {cell: show(value) for value, cell in pairs if not is_absent(value)}
    return lambda cell: texts.get(cell, "")


def is_absent(value: Any) -> bool:
    """True for None and its like, which a cell shows as absent."""
    return value is None or (not isinstance(value, tuple | list) and bool(pd.isna(value)))
