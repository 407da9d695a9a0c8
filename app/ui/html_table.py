"""A table of few rows as HTML, which browsers paint with the page: Streamlit draws its own 0.3 s later.

`app/static/tables.js` sorts it by the ranks of its cells; all texts are escaped.
"""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from app.formats.text import DASH
from app.ui.cell_markup import draw_mark
from app.ui.columns import Column
from app.ui.tables import ROWS_SHOWN_WHOLE, SORT_HINT, is_absent, rank_cells
from app.ui.theme import Palette

MOST_ROWS = 200
WIDTH_OF_NAMES = 45  # of a table, in percent: longer ones are cut
STATIC = Path(__file__).resolve().parents[1] / "static"
STYLE = " ".join((STATIC / "tables.css").read_text(encoding="utf-8").split())


class Look(NamedTuple):
    """A table besides its cells: `alt` is for screen readers, `absent` fills empty cells.

    By its key a table is sorted as before when it is drawn again. Its rows lead to `addresses`, where these
    are not empty; or one can be chosen, at the place `chosen` or none yet.
    """

    key: str
    alt: str
    palette: Palette
    absent: str = DASH
    addresses: Sequence[str] = ()
    is_choice: bool = False
    chosen: int | None = None

    def open_cell(self, nth: int, text: str) -> str:
        """The start of the element of a text: a link, a button, or neither."""
        address = self.addresses[nth] if self.addresses else ""
        if address:
            return f'a class="tally-go" href="{escape(address)}" target="_self" title="{text}"'
        if self.is_choice:
            return f'button type="button" aria-pressed="{str(nth == self.chosen).lower()}" title="{text}"'
        return f'span title="{text}"'


def draw_table(frame: pd.DataFrame, columns: Mapping[str, Column], look: Look) -> str:
    """Those `columns` that the frame has; the first texts are links, where rows lead to addresses."""
    shown = {name: kind for name, kind in columns.items() if name in frame.columns}
    heads = "".join(_draw_head(name, kind) for name, kind in shown.items())
    linked = next((name for name, kind in shown.items() if kind.markup is None), None)
    cells = [_draw_cells(frame[name], kind, look, name == linked) for name, kind in shown.items()]
    rows = "".join(
        f'<tr data-nth="{nth}"{" class=chosen" if nth == look.chosen else ""}>{"".join(row)}</tr>'
        for nth, row in enumerate(zip(*cells, strict=True))
    )
    leads = look.is_choice or any(look.addresses)
    kinds = f"{'scrolls' if len(frame) > ROWS_SHOWN_WHOLE else ''}{' leads' if leads else ''}"
    names = sum(1 for kind in shown.values() if kind.most_width)
    width = f"--tbl-name:{WIDTH_OF_NAMES // max(names, 1)}cqi"
    alt = f"{look.alt.removesuffix('.')}. {SORT_HINT}"
    return (
        f'<div class="tally-table {kinds}" style="{_list_colours(look.palette)};{width}">'
        f'<table data-table="{escape(look.key)}" aria-label="{escape(alt)}">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _list_colours(palette: Palette) -> str:
    colours = {"ink": palette.ink, "muted": palette.muted, "line": palette.line, "track": palette.track}
    more = {"surface": palette.surface, "accent": palette.accent, "hover": palette.wide_band}
    return ";".join(f"--tbl-{name}:{colour}" for name, colour in (colours | more).items())


def _draw_head(name: str, kind: Column) -> str:
    label = escape(kind.label)
    column = f'th scope="col" data-column="{escape(name)}"{_side(kind)}'
    if not kind.is_sorted:
        return f"<{column}>{label}</th>"
    help = kind.config.get("help")
    told = f' title="{escape(help)}"' if help else ""
    return f'<{column} aria-sort="none"><button type="button"{told}>{label}</button></th>'


def _draw_cells(values: pd.Series, kind: Column, look: Look, is_linked: bool) -> list[str]:
    ranks = rank_cells(values, kind) if kind.is_sorted else [None] * len(values)
    drawn = []
    for nth, (value, rank) in enumerate(zip(values, ranks, strict=True)):
        place = "" if rank is None else f' data-at="{rank}"'
        cell = _draw_cell(value, kind, look, nth if is_linked else None)
        drawn.append(f"<td{_side(kind)}{place}>{cell}</td>")
    return drawn


def _draw_cell(value: object, kind: Column, look: Look, linked: int | None) -> str:
    if kind.markup and not is_absent(value):
        return kind.markup(value, look.palette)
    text = escape(look.absent if is_absent(value) else kind.show(value) if kind.show else str(value))
    if kind.is_right and linked is None:
        return text
    opened = f'span title="{text}"' if linked is None else look.open_cell(linked, text)
    name = ' data-name=""' if kind.most_width else ""
    return f"<{opened}{name}>{text}</{opened.partition(' ')[0]}>"


def _side(kind: Column) -> str:
    if kind.markup is draw_mark:
        return ' class="mark"'
    return ' class="right"' if kind.is_right else ""
