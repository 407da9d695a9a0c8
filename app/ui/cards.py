"""Headings and widths of cards, and the note on exchange rates."""

import streamlit as st

from app.figures.currencies import Currency
from app.formats.currency import has_wide_amounts
from app.formats.dates import format_day


def render_heading(text: str, note: str = "", help: str | None = None) -> None:
    """The title of a card, with an optional note at the end of its row, and help about the note."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header(text, anchor=False, width="content")
        if note:
            st.caption(note, width="content", help=help)


def render_subheading(text: str, note: str = "") -> None:
    """The title of a part of a card, with an optional note at the end of its row."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader(text, anchor=False, width="content")
        if note:
            st.caption(note, width="content")


def card_width(currency: str) -> int:
    """The minimum width of a card with an amount, in pixels."""
    return 200 if has_wide_amounts(currency) else 158


def render_rate_note(currency: Currency, chosen: str) -> None:
    """The exchange rates behind converted amounts, or why the chosen currency is not shown."""
    if currency.rates:
        newest = format_day(currency.rates.newest_day)
        st.caption(
            f"Amounts in {currency.code} at each day's rate of the European Central Bank, newest {newest}"
        )
    elif chosen != currency.code:
        st.caption(
            f"{chosen} no longer has a rate, so amounts are in US dollars. "
            "Choose another currency in Settings."
        )
