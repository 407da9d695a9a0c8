"""One model: its prices by tier, where the lists differ, versions and aliases."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import pandas as pd
import streamlit as st

from app.figures.catalogue import CLASSES, UNITS, list_abilities, name_tier
from app.formats.money import format_price
from app.formats.text import DASH, escape_markdown, list_names
from app.ui import columns
from app.ui.cards import render_subheading
from app.ui.line_list import Line, render_lines
from app.ui.navigation import switch_page
from tally.catalog.entries import LIST_TITLES, LISTS, STANDARD, Entry, Prices, find_entry
from tally.catalog.models import canonical_model
from tally.pricing.catalogue_prices import PricedEntry

MOST_NAMES, MOST_LETTERS = 20, 80
NAMES = {**CLASSES, **{name: f"For {unit}" for name, unit in UNITS.items()}}


def render_details(priced: PricedEntry) -> None:
    """The parts below the facts of a single model."""
    entry = priced.entry
    if entry.can:
        st.caption(f"Can do: {list_abilities(entry)}.")
    if entry.base:
        _render_base(entry)
    for name in LISTS:
        tiers = entry.prices.get(name, {})
        if len(tiers) > 1:
            _render_tiers(name, tiers)
            break
    _render_differences(entry)
    if entry.names:
        render_subheading("Versions and aliases")
        st.caption(list_names(entry.names, MOST_NAMES, MOST_LETTERS))
    if priced.is_own:
        st.caption("The prices are your own, as set on the page Prices.")
    elif not priced.prices:
        st.caption("No list has a price of this model. You can set your own on the page Prices.")
    if entry.mode == "chat" and st.button(
        "Try on my own usage", icon=":material/swap_horiz:", type="tertiary", key="replay_model"
    ):
        switch_page("replay", None, change="Model", to=entry.model, at=entry.provider)
    if entry.source and entry.source.startswith("https://"):
        st.caption(f"Source: {escape_markdown(entry.source)}")


def _render_base(entry: Entry) -> None:
    base = find_entry(entry.provider, canonical_model(entry.base or ""))
    tuned = (
        next((tiers["tuned"] for tiers in base.prices.values() if "tuned" in tiers), None) if base else None
    )
    told = f"Made from {entry.base}."
    if tuned:
        prices = ", ".join(f"{format_price(usd)} {NAMES[name].lower()}" for name, usd in tuned.items())
        told += f" List price of models that are fine-tuned from it: {prices}."
    st.caption(escape_markdown(f"{told} {entry.title}".strip()))


def _render_tiers(name: str, tiers: Mapping[str, Prices]) -> None:
    """A row each of standard, batch and other tiers, and of long contexts."""
    classes = [each for each in CLASSES if any(each in prices for prices in tiers.values())]
    if not classes:
        return
    render_subheading("Prices by tier", LIST_TITLES[name])
    ordered = sorted(tiers.items(), key=lambda each: (each[0] != STANDARD, each[0]))
    rows = [
        {"tier": name_tier(tier), **{each: prices.get(each) for each in classes}} for tier, prices in ordered
    ]
    shown = {
        "tier": columns.text("Tier"),
        **{each: columns.number(CLASSES[each], format_price) for each in classes},
    }
    lines = [Line(name_tier(tier), _tell_prices(prices, classes)) for tier, prices in ordered]
    render_lines(pd.DataFrame(rows, dtype=object), shown, "Prices by tier", "tiers", lines)


def _render_differences(entry: Entry) -> None:
    """Both prices where the lists disagree."""
    found = entry.list_differences()
    if not found:
        return
    render_subheading("Where the lists differ", "Tally prices by the first")
    rows = [
        {
            "class": NAMES.get(each.price_class, each.price_class),
            **{name: each.by_list.get(name) for name in LISTS},
        }
        for each in found
    ]
    shown = {
        "class": columns.text("Price of"),
        **{name: columns.number(LIST_TITLES[name], format_price) for name in LISTS},
    }
    lines = [
        Line(
            NAMES.get(each.price_class, each.price_class),
            " · ".join(f"{_show(each.by_list.get(name))} {LIST_TITLES[name]}" for name in LISTS),
        )
        for each in found
    ]
    render_lines(pd.DataFrame(rows, dtype=object), shown, "Where the lists differ", "differences", lines)


def _tell_prices(prices: Prices, classes: Sequence[str]) -> str:
    return " · ".join(
        f"{format_price(prices[each])} {CLASSES[each].lower()}" for each in classes if each in prices
    )


def _show(usd: Decimal | None) -> str:
    return DASH if usd is None else format_price(usd)
