"""Models without a price, and the prices that a person set."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.formats.amount_field import show_amount
from app.formats.counts import format_count
from app.formats.dates import format_day
from app.formats.text import DASH, escape_markdown
from app.ui.cards import render_heading
from app.ui.notices import announce, render_refusal
from app.views.prices.price_form import PRICED_FROM, set_price
from tally.pricing.custom_prices import CustomPrice
from tally.storage.database import DatabaseError

COLUMN = st.column_config
TALL = 460
ROWS_SHOWN_WHOLE = 12
MODEL_COLUMNS = {"Tokens": COLUMN.TextColumn("Tokens", alignment="right")}
PRICE_COLUMNS = {
    label: COLUMN.TextColumn(label, alignment="right", help=help_text)
    for label, help_text in (
        ("Input", "US dollars for a million tokens"),
        ("Output", "US dollars for a million tokens"),
        ("Cached", "Input read from a cache; where empty, as any input"),
        ("Write 5 min", "Input written to a cache for 5 minutes; where empty, as any input"),
        ("Write 1 h", "Input written to a cache for an hour; where empty, as for 5 minutes"),
        ("Request", "US dollars for each request"),
    )
}


def describe_models(
    models: Sequence[dict[str, Any]], providers: Sequence[data.Provider], zone: ZoneInfo
) -> pd.DataFrame:
    """One line for each model that has records without a price."""
    names = {provider.slug: provider.name for provider in providers}
    return pd.DataFrame(
        {
            "Model": [model["model_name"] for model in models],
            "Provider": [names.get(model["provider"], model["provider"]) for model in models],
            "Records": [model["records"] for model in models],
            "Tokens": [format_count(model["tokens"]) for model in models],
            "Since": [format_day(first_day(model, zone)) for model in models],
        }
    )


def first_day(model: dict[str, Any], zone: ZoneInfo) -> date:
    """The day of the person's on which a model was first used without a price."""
    return datetime.fromisoformat(model["first_at"]).astimezone(UTC).astimezone(zone).date()


def render_unpriced(user: User, zone: ZoneInfo, today: date) -> None:
    """The models that need a price, and setting one."""
    models = data.load_unpriced_models(user)
    with st.container(border=True):
        render_heading("Needs a price", f"{len(models):,} models" if len(models) > 1 else "")
        if not models:
            st.caption("Every record has a price. A model that no price list knows would be shown here.")
            return
        st.caption("No price list knows these models. What they cost is in no total until you say it.")
        model = _selected("unpriced", models)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            disabled = model is None
            if st.button("Set a price", icon=":material/sell:", disabled=disabled, key="price") and model:
                set_price(model, min(first_day(model, zone), today))
            if model is None:
                st.caption("Select a model to set its price.")
        _render_table(
            "unpriced", describe_models(models, data.load_providers(user), zone), models, MODEL_COLUMNS
        )


def describe_prices(prices: Sequence[CustomPrice], providers: Sequence[data.Provider]) -> pd.DataFrame:
    """One line a price; a class that none of them tells apart has no column."""
    names = {provider.slug: provider.name for provider in providers}
    frame = pd.DataFrame(
        {
            "Model": [price.model_name for price in prices],
            "Provider": [names.get(price.provider, price.provider) for price in prices],
            "From": [format_day(price.valid_from) for price in prices],
            "Input": [_show(price.input_usd_per_mtok) for price in prices],
            "Output": [_show(price.output_usd_per_mtok) for price in prices],
            "Cached": [_show(price.cached_input_usd_per_mtok) for price in prices],
            "Write 5 min": [_show(price.cache_write_usd_per_mtok) for price in prices],
            "Write 1 h": [_show(price.cache_write_1h_usd_per_mtok) for price in prices],
            "Request": [_show(price.request_usd or None) for price in prices],
            "Used": [
                "instead of the list" if price.replaces_list else "where the list has none"
                for price in prices
            ],
        }
    )
    return frame.dropna(axis="columns", how="all")


def render_own_prices(user: User, today: date) -> None:
    """The person's own prices, adding one and deleting one."""
    prices = sorted(
        data.load_custom_prices(user), key=lambda price: (price.model_name.casefold(), price.provider)
    )
    with st.container(border=True):
        render_heading("Your prices")
        if not prices:
            st.caption("None yet. Known models are priced by a public list that comes with Tally.")
        price = _selected("own-prices", prices)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button("Add a price", icon=":material/add:", key="add-price"):
                set_price(None, today)
            if prices and st.button(
                "Delete", icon=":material/delete:", disabled=price is None, key="delete-price"
            ):
                confirm_deletion(price)
        if prices:
            shown = describe_prices(prices, data.load_providers(user))
            _render_table("own-prices", shown, prices, PRICE_COLUMNS)


@st.dialog("Delete this price?", icon=":material/delete:")
def confirm_deletion(price: CustomPrice) -> None:
    """Say what becomes of what it priced, ask once, then delete."""
    user = identity.current_user()
    st.text(f"{price.model_name}, from {format_day(price.valid_from)}")
    st.caption(
        escape_markdown("What it priced keeps its cost until you look at the difference and apply it.")
    )
    if not st.button("Delete price", type="primary", width="stretch"):
        return
    try:
        database_of(user).delete("model_prices", price.id)
    except DatabaseError as problem:
        render_refusal(problem)
        return
    data.forget_version(user)
    st.session_state[PRICED_FROM] = price.valid_from
    announce(f"Price of {price.model_name} deleted.")
    st.rerun()


def _selected(key: str, rows: Sequence[Any]) -> Any:
    """The row that is selected in a table, before the table is drawn."""
    places = st.session_state.get(_table_key(key, rows), {}).get("selection", {}).get("rows", [])
    return rows[places[0]] if places and places[0] < len(rows) else None


def _render_table(key: str, shown: pd.DataFrame, rows: Sequence[Any], columns: dict[str, Any]) -> None:
    st.dataframe(
        shown,
        hide_index=True,
        height="content" if len(rows) <= ROWS_SHOWN_WHOLE else TALL,
        key=_table_key(key, rows),
        on_select="rerun",
        selection_mode="single-row",
        column_config=columns,
        placeholder=DASH,
    )


def _table_key(key: str, rows: Sequence[Any]) -> str:
    """Another list is another table, in which nothing is selected."""
    return f"{key}-{hash(str(rows))}"


def _show(amount: Decimal | None) -> str | None:
    return None if amount is None else f"${show_amount(amount)}"
