"""Cards of models without a price and of custom prices."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.formats.dates import format_day
from app.formats.money import format_price
from app.parts.permissions import explain_fixed_prices
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.danger import confirm_danger
from app.ui.line_list import render_choices, selected_line
from app.ui.notices import announce, explain_refusal
from app.views.prices.model_names import ask_for_model
from app.views.prices.price_form import PRICED_FROM, set_price
from tally.pricing.custom_prices import CustomPrice

PER_MILLION = "US dollars per million tokens"
MODEL_COLUMNS = {
    "model": columns.name("Model"),
    "provider": columns.text("Provider"),
    "records": columns.count("Records"),
    "tokens": columns.count("Tokens", is_compact=True),
    "since": columns.day("Since"),
}
AMOUNT_COLUMNS = {
    "input": columns.number("Input", format_price, help=PER_MILLION),
    "output": columns.number("Output", format_price, help=PER_MILLION),
    "cached": columns.number("Cached", format_price, help="Input read from a cache; blank: input price"),
    "write": columns.number(
        "Write 5 min", format_price, help="Input written to a cache for 5 minutes; blank: input price"
    ),
    "write_1h": columns.number(
        "Write 1 h", format_price, help="Input written to a cache for an hour; blank: the 5-minute price"
    ),
    "request": columns.number("Request", format_price, help="US dollars per request"),
}
PRICE_COLUMNS = {
    "model": columns.name("Model"),
    "provider": columns.text("Provider"),
    "from": columns.day("From"),
    **AMOUNT_COLUMNS,
    "used": columns.text("Used"),
}


def describe_models(
    models: Sequence[dict[str, Any]], providers: Sequence[data.Provider], zone: ZoneInfo
) -> pd.DataFrame:
    """Models with unpriced records, for MODEL_COLUMNS."""
    names = {provider.slug: provider.name for provider in providers}
    lines = [
        {
            "model": model["model_name"],
            "provider": names.get(model["provider"], model["provider"]),
            "records": model["records"],
            "tokens": model["tokens"],
            "since": first_day(model, zone),
        }
        for model in models
    ]
    return pd.DataFrame(lines, columns=list(MODEL_COLUMNS))


def first_day(model: dict[str, Any], zone: ZoneInfo) -> date:
    """The account's day of a model's first unpriced record."""
    return datetime.fromisoformat(model["first_at"]).astimezone(UTC).astimezone(zone).date()


def render_unpriced(user: User, zone: ZoneInfo, today: date) -> None:
    """List the models that need a price, and offer to set one."""
    models = data.load_unpriced_models(user)
    with st.container(border=True):
        render_heading("Needs a price", f"{len(models):,} models" if len(models) > 1 else "")
        if not models:
            st.caption("All records have a price. Models missing from the price list appear here.")
            return
        st.caption("Not in the price list, so excluded from totals until you set a price.")
        key = _table_key("unpriced", models)
        position = selected_line(key, len(models))
        model = None if position is None else models[position]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            reason = explain_fixed_prices(user)
            is_disabled = model is None or reason is not None
            if st.button("Set a price", icon=":material/sell:", disabled=is_disabled, key="price") and model:
                set_price(model, min(first_day(model, zone), today))
            if (
                st.button("Name the model", icon=":material/label:", disabled=is_disabled, key="name")
                and model
            ):
                ask_for_model(model)
            if reason or model is None:
                st.caption(reason or "Select a model to set its price, or to say which known model it is.")
        frame = describe_models(models, data.load_providers(user), zone)
        render_choices(frame, MODEL_COLUMNS, "Models without a price", key)


def describe_prices(prices: Sequence[CustomPrice], providers: Sequence[data.Provider]) -> pd.DataFrame:
    """Custom prices, for PRICE_COLUMNS; kinds of amounts that no price sets are left out."""
    names = {provider.slug: provider.name for provider in providers}
    lines = [
        {
            "model": price.model_name,
            "provider": names.get(price.provider, price.provider),
            "from": price.valid_from,
            "input": price.input_usd_per_mtok,
            "output": price.output_usd_per_mtok,
            "cached": price.cached_input_usd_per_mtok,
            "write": price.cache_write_usd_per_mtok,
            "write_1h": price.cache_write_1h_usd_per_mtok,
            "request": price.request_usd or None,
            "used": "instead of the list price" if price.replaces_list else "if there is no list price",
        }
        for price in prices
    ]
    return pd.DataFrame(lines, columns=list(PRICE_COLUMNS), dtype=object).dropna(axis="columns", how="all")


def render_custom_prices(user: User, today: date) -> None:
    """List the custom prices, and offer to add and delete them."""
    prices = sorted(
        data.load_custom_prices(user), key=lambda price: (price.model_name.casefold(), price.provider)
    )
    with st.container(border=True):
        render_heading("Custom prices")
        if not prices:
            st.caption("None yet. Known models are priced by the public price list that comes with Tally.")
        key = _table_key("custom-prices", prices)
        position = selected_line(key, len(prices))
        price = None if position is None else prices[position]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            fixed = explain_fixed_prices(user)
            is_fixed = fixed is not None
            if st.button("Add a price", icon=":material/add:", disabled=is_fixed, key="add-price"):
                set_price(None, today)
            is_disabled = price is None or is_fixed
            if prices and _render_delete_button(is_disabled) and price:
                confirm_deletion(price)
            if fixed:
                st.caption(fixed)
        if prices:
            frame = describe_prices(prices, data.load_providers(user))
            render_choices(frame, PRICE_COLUMNS, "Custom prices", key)


def _render_delete_button(is_disabled: bool) -> bool:
    return st.button("Delete price", icon=":material/delete:", disabled=is_disabled, key="delete-price")


@st.dialog("Delete this price?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(price: CustomPrice) -> None:
    """Explain the effect, confirm, then delete."""
    user = identity.current_user()
    st.text(f"{price.model_name}, from {format_day(price.valid_from)}")
    st.caption("Records keep their estimated cost until you preview the changes and apply them.")
    if not confirm_danger("Delete price"):
        return
    database_of(user).delete("model_prices", price.id)
    data.forget_version(user)
    st.session_state[PRICED_FROM] = price.valid_from
    announce(f"Price of {price.model_name} deleted.")
    st.rerun()


def _table_key(name: str, rows: Sequence[Any]) -> str:
    """A key that changes with the rows, so that a changed list starts without a selection."""
    return f"{name}-{hash(str(rows))}"
