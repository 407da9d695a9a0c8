"""The fields that search the catalogue, with their values in the address."""

from decimal import Decimal

import streamlit as st

from app.figures.catalogue import (
    ABILITIES,
    BEST,
    LONG,
    OPEN,
    PRICE_LIMITS,
    SORTS,
    USED,
    arrange,
    find,
    list_modes,
    list_providers,
    make_filters,
    name_kind,
)
from app.views.catalogue.shown import Shown
from tally.pricing.catalogue_prices import PricedEntry

OFFERED = (
    "tools",
    "images",
    "structured_output",
    "prompt_cache",
    "batch",
    "reasoning",
    "web_search",
    "audio",
    "video",
    "pdf",
)
CAN_DO = [*(ABILITIES[name] for name in OFFERED), LONG, OPEN, USED]


def search_catalogue(shown: Shown) -> list[PricedEntry]:
    """Draw the fields; returns the models found, in the order that was chosen."""
    providers = list_providers()
    with st.container(border=True):
        with st.grid(5, min_column_width=150, gap="small"):
            words = st.text_input(
                "Search",
                placeholder="Model, provider or family",
                help="Words in any order. A wrong letter still finds.",
                key="q",
                bind="query-params",
                max_chars=100,
            )
            provider = _choose_any("Provider", list(providers.values()), "provider", "All providers")
            kind = _choose_any("Kind", list(map(name_kind, list_modes())), "kind", "Any kind")
            limit = _choose_any("Price at my mix", list(PRICE_LIMITS), "price", "Any price")
            order = st.selectbox("Sort by", SORTS, key="order", bind="query-params")
        chosen = st.pills("Can do", CAN_DO, selection_mode="multi", key="can", bind="query-params")
    slug = next((slug for slug, title in providers.items() if title == provider), None)
    mode = next((mode for mode in list_modes() if name_kind(mode) == kind), None)
    found = find(shown.own, words, make_filters(slug, mode, chosen, shown.used))
    priced = [shown.price(entry) for entry in found]
    if limit is not None:
        most = Decimal(PRICE_LIMITS[limit])
        priced = [each for each in priced if each.at_mix is not None and each.at_mix <= most]
    return arrange(priced, order or BEST, shown.used, bool(words.strip()))


def _choose_any(label: str, options: list[str], key: str, anything: str) -> str | None:
    return st.selectbox(label, options, index=None, placeholder=anything, key=key, bind="query-params")
