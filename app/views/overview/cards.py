"""The cards of the Overview."""

from decimal import Decimal

import pandas as pd
import streamlit as st

from app.figures.spend import Spend, sum_by_provider, top_models
from app.formats.money import NO_PRICE, format_money, format_unit_price
from app.formats.text import escape_markdown
from app.parts.explore_links import render_explored_heading, view_of
from app.ui import charts, columns
from app.ui.periods import Period
from app.ui.tables import render_table
from app.ui.theme import current_palette
from tally.core.text import plural

TOP_MODELS = 10
PRICE_HELP = (
    "The cost of an average request that no plan covers. Failed ones without tokens count and cost nothing. "
    "Left out are a model's days on which a request has no price, such as one that told no usage."
)
MODEL_WIDTH = 180  # pixels: on a phone, cost and share fit beside it


def render_top_models(shown: pd.DataFrame, price: Decimal | None, currency: str, period: Period) -> None:
    """The most expensive models in a frame of daily costs; `price` is that of an average request."""
    note = "" if price is None else f"{format_unit_price(price, currency)} a request"
    render_explored_heading("Top models", view_of(period, "model"), note, PRICE_HELP)
    kinds = {
        "model": columns.name("Model", is_pinned=True, most_width=MODEL_WIDTH),
        "cost": columns.money("Cost", currency),
        "share": columns.share("Share"),
        "requests": columns.requests(is_compact=True),
        "trend": columns.trend("Trend"),
    }
    top = top_models(shown, TOP_MODELS)
    render_table(top, kinds, "The most expensive models, with their share, requests and trend", NO_PRICE)


def render_providers(money: pd.DataFrame, labels: dict[str, str], currency: str, period: Period) -> None:
    """Spend of each provider in a frame of daily costs."""
    palette = current_palette()
    render_explored_heading("Spend by provider", view_of(period, "provider", "model"))
    colours = charts.series_colours(charts.top_names(money, "provider", palette), palette)
    by_provider = sum_by_provider(money, list(colours))
    st.plotly_chart(
        charts.spend_by_name(by_provider, labels, colours, palette, currency),
        theme=None,
        key="providers",
        config=charts.config(currency),
        alt=charts.describe_totals(by_provider, labels, currency),
    )


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
