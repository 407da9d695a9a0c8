"""The table of models found, on a phone a list; one can be selected."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app.figures.catalogue import describe_units, format_tokens
from app.formats.dates import format_day
from app.formats.money import format_price, format_usd
from app.formats.text import DASH
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_choices, selected_line
from app.views.catalogue.shown import Shown
from tally.catalog.entries import LIST_TITLES, load_catalogue
from tally.core.text import plural
from tally.pricing.catalogue_prices import PricedEntry

FEW, MORE = 25, "more_models"
MIX_HELP = "A million tokens in one mix for all models, so that they compare."


def render_found(found: Sequence[PricedEntry], shown: Shown) -> PricedEntry | None:
    """Draw the card; returns the selected model."""
    most = FEW + st.session_state.get(MORE, 0)
    listed = found[:most]
    with st.container(border=True):
        render_heading(plural(len(found), "model"), f"Dollars per 1M tokens · {shown.describe_mix()}")
        selected = None
        if listed:
            key = f"catalogue-{hash(tuple(each.entry.key for each in listed))}"
            lines = [Line(each.entry.model, _describe(each, shown)) for each in listed]
            render_choices(
                describe_models(listed, shown),
                _list_columns(listed, shown),
                "Models of the catalogue",
                key,
                lines,
            )
            place = selected_line(key, len(listed))
            selected = None if place is None else listed[place]
        else:
            st.text("No model is like this. Take a filter away, or write fewer words.")
        if len(found) > most and st.button(f"Show {FEW} more", key="show-more"):
            st.session_state[MORE] = most
            st.rerun()
        st.caption(_describe_source())
    return selected


def describe_models(listed: Sequence[PricedEntry], shown: Shown) -> pd.DataFrame:
    """The rows of the table, without columns that none of them has."""
    rows = [
        {
            "model": each.entry.model,
            "provider": each.entry.provider_title,
            "input": each.prices.get("input"),
            "cached": each.prices.get("cached"),
            "output": each.prices.get("output"),
            "at_mix": each.at_mix,
            "units": describe_units(each.prices) or None,
            "context": each.entry.context,
            "retires": each.entry.retires,
            "used": shown.used.get(each.entry.key),
        }
        for each in listed
    ]
    frame = pd.DataFrame(rows, dtype=object)
    return frame.drop(columns=[name for name in ("units", "retires", "used") if frame[name].isna().all()])


def _list_columns(listed: Sequence[PricedEntry], shown: Shown) -> dict[str, columns.Column]:
    most = float(max((each.at_mix for each in listed if each.at_mix is not None), default=0))
    return {
        "model": columns.name("Model", most_width=230),
        "provider": columns.name("Provider", most_width=130),
        "input": columns.number("Input", format_price),
        "cached": columns.number("Cache read", format_price),
        "output": columns.number("Output", format_price),
        "at_mix": columns.priced_bar("At my mix", most, MIX_HELP),
        "units": columns.text("Other prices"),
        "context": columns.number("Context", format_tokens),
        "retires": columns.day("Retires", width=105),
        "used": columns.money("Spent, 90 days", shown.currency),
    }


def _describe(each: PricedEntry, shown: Shown) -> str:
    entry = each.entry
    parts = [
        entry.provider_title,
        "" if each.at_mix is None else f"{format_usd(each.at_mix)} at my mix",
        "own price" if each.is_own else "",
        describe_units(each.prices),
        f"{format_tokens(entry.context)} context" if entry.context else "",
        f"retires {format_day(entry.retires)}" if entry.retires else "",
        f"{spent} spent" if (spent := shown.describe_use(entry)) else "",
    ]
    return " · ".join(filter(None, parts)) or DASH


def _describe_source() -> str:
    catalogue = load_catalogue()
    lists = " and ".join(f"{LIST_TITLES[name]} {version}" for name, version in catalogue.lists)
    return (
        f"Catalogue of {format_day(catalogue.day)}, from {lists}. Your own prices win. "
        "Where the two lists differ, the details show both. Select a model for its details."
    )
