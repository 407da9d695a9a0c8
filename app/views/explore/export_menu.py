"""The menu of Explore that exports what is shown: the figures as a file, the chart as a picture."""

from collections.abc import Iterator
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from app.figures.explore_words import DIMENSIONS
from app.ui.theme import current_palette
from app.views.explore.answer import Answer
from app.views.explore.chart_card import title_of
from tally.storage.export import Format, write_table

FILES: dict[Format, tuple[str, str]] = {
    "csv": ("CSV", "text/csv"),
    "parquet": ("Parquet", "application/vnd.apache.parquet"),
}
PICTURES = {"png": "PNG", "svg": "SVG"}
MENU = "explore_export"
NO_HOUR = "day only"  # of what has a date and no hour
WHOLE_PERIOD = "period"


def render_export_menu(answer: Answer) -> None:
    """The menu; files are made when it is opened, pictures by the browser."""
    menu = st.popover("Export", icon=":material/download:", key=MENU, on_change="rerun")
    if menu.open:
        with menu:
            _render_menu(answer)


def _render_menu(answer: Answer) -> None:
    days = answer.now.question
    name = f"tally-explore-{days.first}-{days.last}"
    st.caption("Figures, as shown")
    for file_format, (label, mime) in FILES.items():
        st.download_button(
            label,
            write_answer(answer, file_format),
            file_name=f"{name}.{file_format}",
            mime=mime,
            icon=":material/table_view:",
            on_click="ignore",
            width="stretch",
            type="tertiary",
        )
    st.caption("Chart, as shown")
    buttons = "".join(
        f'<button type="button" data-chart-picture="{kind}" data-name="{name}" '
        f'data-title="{escape(title_of(answer))}">{label}</button>'
        for kind, label in PICTURES.items()
    )
    palette = current_palette()
    style = (
        ".tally-pictures button{font:inherit;color:inherit;background:none;cursor:pointer;"
        f"border-radius:8px;padding:6px 14px;margin-right:8px;border:1px solid {palette.line}}}"
        f".tally-pictures button:hover{{border-color:{palette.accent};color:{palette.accent}}}"
    )
    st.html(f'<style>{style}</style><div class="tally-pictures">{buttons}</div>')


def write_answer(answer: Answer, file_format: Format) -> bytes:
    """A row for each group and step of time; cells of CSV cannot run as formulas."""
    frame = list_rows(answer)
    return write_table(frame, file_format, [column for column in frame.columns if column != "value"])


def list_rows(answer: Answer) -> pd.DataFrame:
    """The figures as text columns and exact amounts; steps without costs are left out."""
    question = answer.now.question
    columns = ["step", *(DIMENSIONS[name].label.lower() for name in question.by), "measure", "unit", "value"]
    return pd.DataFrame(
        list(_flatten(answer)), columns=columns if question.by else ["step", "group", *columns[1:]]
    )


def _flatten(answer: Answer) -> Iterator[tuple[Any, ...]]:
    question = answer.now.question
    unit = answer.currency if answer.unit in ("money", "ratio") else answer.unit
    width = max(len(question.by), 1)
    named = []
    for group in answer.now.groups:
        names = [key.label for key in group.keys] or [group.label]
        named.append([*names, *[""] * (width - len(names))])
    if question.granularity == "none":
        for names, group in zip(named, answer.now.groups, strict=True):
            yield (WHOLE_PERIOD, *names, question.measure, unit, _text(group.value))
        return
    for point in answer.now.points:
        step = NO_HOUR if point.has_day_only else "" if point.at is None else str(point.at)
        yield (step, *named[point.group], question.measure, unit, _text(point.value))


def _text(value: Any) -> str | None:
    return None if value is None else f"{value.normalize():f}"
