"""The cards of the Overview."""

from decimal import Decimal
from math import isnan

import pandas as pd
import streamlit as st

from app.figures.spend import Spend, sum_by_provider, top_models
from app.formats.counts import format_count
from app.formats.money import NO_PRICE, format_money, format_unit_price
from app.formats.text import DASH, escape_markdown
from app.parts.explore_links import address_of, render_explored_heading, view_of
from app.ui import bar_list, charts
from app.ui.bar_list import Row
from app.ui.periods import Period
from app.ui.theme import current_palette
from app.views.overview.bars import list_bars
from tally.core.text import plural

TOP_MODELS = 10
PRICE_HELP = (
    "The cost of an average request that no plan covers. Failed ones without tokens count and cost nothing. "
    "Left out are a model's days on which a request has no price, such as one that told no usage."
)


def render_top_models(shown: pd.DataFrame, price: Decimal | None, currency: str, period: Period) -> None:
    """The most expensive models in a frame of daily costs; `price` is that of an average request."""
    note = "" if price is None else f"{format_unit_price(price, currency)} a request"
    view = view_of(period, "model")
    render_explored_heading("Top models", view, note, PRICE_HELP)
    rows = [
        Row(
            model,
            NO_PRICE if isnan(cost) else format_money(cost, currency),
            0.0 if isnan(share) else share,
            format_count(requests) if requests else DASH,
            trend,
            address_of(view.drill({"model": model})),
        )
        for model, cost, requests, share, trend in top_models(shown, TOP_MODELS).itertuples(index=False)
    ]
    st.html(bar_list.render_rows(rows, current_palette(), "The most expensive models"))


def render_providers(money: pd.DataFrame, labels: dict[str, str], currency: str, period: Period) -> None:
    """Spend of each provider in a frame of daily costs."""
    palette = current_palette()
    view = view_of(period, "provider", "model")
    render_explored_heading("Spend by provider", view)
    colours = charts.series_colours(charts.top_names(money, "provider", palette), palette)
    by_provider = sum_by_provider(money, list(colours))
    places = {name: address_of(view.drill({"provider": name})) for name in colours}
    bars = list_bars(by_provider, labels, colours, currency, places)
    st.html(bar_list.render_bars(bars, palette, "Spend by provider"))


def render_notes(now: Spend, currency: str) -> None:
    """Notes on what the totals include and leave out."""
    if now.subscriptions:
        paid = escape_markdown(format_money(now.subscriptions, currency))
        st.caption(f":material/event_repeat: Includes {paid} of subscriptions")
    if now.included:
        worth = escape_markdown(format_money(now.included, currency))
        st.caption(
            f":material/redeem: Subscriptions covered usage worth {worth} at list prices. "
            "Not included in spend."
        )
    if now.unpriced_records:
        verbs = ("has", "is") if now.unpriced_records == 1 else ("have", "are")
        st.caption(
            f":material/help: {plural(now.unpriced_records, 'record')} {verbs[0]} no price yet and "
            f"{verbs[1]} not included in these totals."
        )
