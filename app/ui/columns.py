"""Kinds of table columns: money, counts and days sort by value, numbers and their headings align right.

A cell holds what the column sorts by (float, integer or timestamp) and shows the text of the exact value.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.formats.counts import format_count
from app.formats.dates import format_day, format_instant
from app.formats.money import format_change, format_money, format_money_range, format_usd
from app.formats.text import DASH
from app.ui.cell_markup import Markup, draw_bar, draw_course, draw_mark

CHART_ROW_HEIGHT = 38  # pixels
STEPS_DRAWN, MOST_STEPS = 180, 8
NAME_WIDTH = 200
BELOW_ALL = -1.0  # sorts before every amount
ABSENT = ""  # the value of an optional amount that a row does not have
FITTING_WIDTH = 210
# Streamlit aligns cells but not headings. Its grid right-aligns a heading whose first strong character is
# right-to-left, as this invisible mark is.
ALIGN_RIGHT = "\N{ARABIC LETTER MARK}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: Streamlit's configuration, and how an exact value becomes a cell.

    `sort_value` gives what the column sorts by, in `dtype`; `show` gives the text. Without them a cell is the
    value itself. `most_width` in pixels cuts longer texts; up to it, a column that `fits` is as wide as its
    longest text, as Streamlit measures the first rows only. `markup` draws a cell of an HTML table.
    """

    config: Any
    dtype: Any = object
    sort_value: Callable[[Any], Any] | None = None
    show: Callable[[Any], str] | None = None
    most_width: int | None = None
    fits: bool = False
    row_height: int | None = None
    markup: Markup | None = None

    @property
    def label(self) -> str:
        """The heading as its reader sees it."""
        return str(self.config.get("label") or "").removeprefix(ALIGN_RIGHT)

    @property
    def is_right(self) -> bool:
        """True if cells and heading align right, as those of numbers do."""
        return self.config.get("alignment") == "right" or self.markup not in (None, draw_mark)

    @property
    def is_sorted(self) -> bool:
        """True if rows can be sorted by it: not by pictures."""
        return self.markup is None or self.dtype != object


def text(label: str, help: str | None = None) -> Column:
    """Text, never read as Markdown or HTML."""
    return Column(st.column_config.TextColumn(label, help=help))


def fitting_text(label: str, help: str | None = None, most_width: int = FITTING_WIDTH) -> Column:
    """Text that differs in length from row to row."""
    return Column(st.column_config.TextColumn(label, help=help), most_width=most_width, fits=True)


def figure(label: str, width: int | None = None) -> Column:
    """Numbers as text, in a table that is not sorted by them."""
    return Column(st.column_config.TextColumn(ALIGN_RIGHT + label, alignment="right", width=width))


def name(label: str, most_width: int = NAME_WIDTH) -> Column:
    """Names from outside: text that does not push the numbers out of the table, however long.

    No column is pinned: Streamlit draws those pale, and narrow pages have lists.
    """
    return Column(st.column_config.TextColumn(label), most_width=most_width)


def number(
    label: str,
    show: Callable[[Any], str],
    sort_value: Callable[[Any], float] = float,
    help: str | None = None,
) -> Column:
    """Numbers with a custom format, such as factors or signed amounts."""
    config = st.column_config.NumberColumn(ALIGN_RIGHT + label, help=help, alignment="right")
    return Column(config, "float64", sort_value, show)


def money(label: str, currency: str, help: str | None = None) -> Column:
    """Amounts as Decimal or float, in a currency."""
    return number(label, partial(format_money, currency=currency), help=help)


def own_money(label: str) -> Column:
    """Amounts in currencies of their own: pairs of a Decimal and a code."""
    return number(label, lambda pair: format_money(*pair), lambda pair: float(pair[0]))


def change(label: str, currency: str) -> Column:
    """Differences of amounts, with their sign."""
    return number(label, partial(format_change, currency=currency))


def optional_money(label: str, currency: str, help: str | None = None) -> Column:
    """Amounts that many rows do not have: those show a dash, in a table where others lack a price."""

    def show(amount: Any) -> str:
        return DASH if amount == ABSENT else format_money(amount, currency)

    return number(label, show, lambda amount: BELOW_ALL if amount == ABSENT else float(amount), help)


def money_range(label: str, currency: str) -> Column:
    """Pairs of a lower and an upper amount; they sort by the lower one."""

    def show(bounds: tuple[Any, Any]) -> str:
        return format_money_range(bounds[0], bounds[1], currency)

    return number(label, show, lambda bounds: float(bounds[0]))


def count(label: str, help: str | None = None, is_compact: bool = False, width: int | None = None) -> Column:
    """Whole numbers; compact ones read as 12K or 3.4M."""
    config = st.column_config.NumberColumn(ALIGN_RIGHT + label, help=help, alignment="right", width=width)
    return Column(config, "Int64", int, format_count if is_compact else "{:,}".format)


def requests(is_compact: bool = False) -> Column:
    """Numbers of requests; 0 is a dash, as sources that do not count requests save 0."""

    def show(count: int) -> str:
        return DASH if count == 0 else format_count(count) if is_compact else f"{count:,}"

    config = st.column_config.NumberColumn(ALIGN_RIGHT + "Requests", alignment="right")
    return Column(config, "Int64", int, show)


def tokens(label: str, help: str | None = None) -> Column:
    """Numbers of tokens, as 12K or 3.4M; a dash where a row knows none, which is not the same as 0."""

    def show(count: int | str) -> str:
        return DASH if isinstance(count, str) else format_count(count)

    config = st.column_config.NumberColumn(ALIGN_RIGHT + label, help=help, alignment="right")
    return Column(config, "Int64", lambda count: -1 if count == ABSENT else int(count), show)


def day(label: str, show: Callable[[date], str] = format_day, width: int | None = None) -> Column:
    """Days, or months by their first day."""
    config = st.column_config.DatetimeColumn(label, width=width)
    return Column(config, "datetime64[us]", pd.Timestamp, show)


def instant(label: str, zone: ZoneInfo) -> Column:
    """Date and time in the account's time zone; a date is a whole day and sorts just before its times."""

    def sort_value(moment: date) -> pd.Timestamp:
        return pd.Timestamp(moment if isinstance(moment, datetime) else _before_day(moment, zone))

    def show(moment: date) -> str:
        return format_instant(moment, zone) if isinstance(moment, datetime) else format_day(moment)

    return Column(st.column_config.DatetimeColumn(label), "datetime64[us, UTC]", sort_value, show)


def moment(label: str, show: Callable[[datetime], str]) -> Column:
    """Date and time in a format of the page."""
    return Column(st.column_config.DatetimeColumn(label), "datetime64[us, UTC]", pd.Timestamp, show)


def share(label: str) -> Column:
    """Percentages."""
    return number(label, lambda share: f"{share:.0f}%")


def use(label: str) -> Column:
    """Used parts of limits in percent, each with a bar, which is full from 100 on."""
    config = st.column_config.ProgressColumn(
        label, format="%.0f%%", min_value=0, max_value=100, color="primary"
    )
    return Column(config, "float64", markup=draw_bar(100, "{:.0f}%".format))


def priced_bar(label: str, most: float, help: str | None = None) -> Column:
    """Dollars, each with a bar that is full at the most."""
    config = st.column_config.ProgressColumn(
        label, help=help, format="dollar", min_value=0, max_value=most or 1, color="primary"
    )
    return Column(config, "float64", float, markup=draw_bar(most or 1, format_usd))


def trend(label: str) -> Column:
    """Lists of numbers, each as a small chart in steps."""
    config = st.column_config.AreaChartColumn(label, width="small")
    return Column(config, sort_value=draw_steps, row_height=CHART_ROW_HEIGHT, markup=draw_course)


def mark(label: str) -> Column:
    """Colours, each as a square; in HTML tables only."""
    return Column(st.column_config.TextColumn(label), markup=draw_mark)


def draw_steps(values: Sequence[float]) -> list[float]:
    """Each value as many times as a narrow chart can tell apart.

    The chart draws curves through its points: waves between days, and spend on days without any.
    """
    times = min(max(STEPS_DRAWN // max(len(values), 1), 1), MOST_STEPS)
    return [value for value in values for _ in range(times)]


def _before_day(first: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(first, time(), zone) - timedelta(microseconds=1)
