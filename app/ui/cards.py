"""Card headings and widths, and tables of money inside cards."""

from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app.figures.currencies import Currency
from app.formats.currency import has_wide_amounts
from app.formats.dates import format_day
from app.formats.money import format_money

LONG_NAME = 28


def render_heading(text: str, note: str = "") -> None:
    """The title of a card, with a remark at its end."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header(text, anchor=False, width="content")
        if note:
            st.caption(note, width="content")


def card_width(currency: str) -> int:
    """How narrow a card with an amount may get."""
    return 200 if has_wide_amounts(currency) else 158


def with_money(frame: pd.DataFrame, column: str, currency: str, absent: str) -> Any:
    """A table whose column reads as money and still sorts as numbers."""
    return frame.style.format({column: partial(format_money, currency=currency)}, na_rep=absent)


def name_width(names: pd.Series) -> int | None:
    """A column as wide as its names, unless one of them would push the numbers out."""
    return 200 if names.str.len().max() > LONG_NAME else None


def render_rate_note(currency: Currency, chosen: str) -> None:
    """Which rates the amounts are shown at, where they are not the dollars that are stored."""
    if currency.rates:
        newest = format_day(currency.rates.newest_day)
        st.caption(
            f"Amounts in {currency.code} at each day's rate of the European Central Bank, newest {newest}"
        )
    elif chosen != currency.code:
        st.caption(f"{chosen} has no rate any more, so amounts are in US dollars. Settings has the others.")
