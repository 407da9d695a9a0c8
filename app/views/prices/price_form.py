"""Dialog that sets a custom price."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.formats.amount_field import read_amount
from app.formats.dates import format_day
from app.parts.provider_choice import choose_provider
from app.ui.notices import announce, render_refusal
from app.ui.periods import EARLIEST_DAY
from tally.core.amounts import AmountUnreadable
from tally.pricing.custom_prices import CustomPrice
from tally.storage.database import DatabaseError

PRICED_FROM = "priced-from"  # session key: first day whose estimates change with the new or deleted price
MAX_PRICE_USD = 1_000_000
MAX_NAME_LENGTH = 200
LATEST_DAY = date(2099, 12, 31)
AMOUNT_LABELS = {
    "request_usd": "Request",
    "input_usd_per_mtok": "Input",
    "output_usd_per_mtok": "Output",
    "cached_input_usd_per_mtok": "Cached input",
    "cache_write_usd_per_mtok": "Cache write, 5 minutes",
    "cache_write_1h_usd_per_mtok": "Cache write, 1 hour",
}
REQUIRED_AMOUNTS = ("input_usd_per_mtok", "output_usd_per_mtok")


@st.dialog("Set a price", icon=":material/sell:", width="medium")
def set_price(model: dict[str, Any] | None, first_day: date) -> None:
    """Ask for the prices of a model; estimates change once the repricing card applies them."""
    user = identity.current_user()
    providers = data.load_providers(user)
    st.caption("In US dollars per million tokens. Blank cache prices use the input price.")
    with st.form("price", border=False):
        try:
            price, provider = _render_fields(model, first_day, providers)
            problem = None
        except AmountUnreadable as unreadable:
            problem = str(unreadable)
        if not st.form_submit_button("Save price", type="primary", width="stretch"):
            return
    try:
        if problem is None:
            _save(user, price, provider)
            st.rerun()
    except DatabaseError as refused:
        problem = str(refused)
    if problem:
        render_refusal(problem)


def _render_fields(
    model: dict[str, Any] | None, first_day: date, providers: Sequence[data.Provider]
) -> tuple[CustomPrice, data.Provider]:
    with st.grid(2, min_column_width=180, gap="small"):
        provider = choose_provider(providers, slug=model["provider"] if model else None)
        name = st.text_input("Model", model["model_name"] if model else "", max_chars=MAX_NAME_LENGTH)
        start = st.date_input("Valid from", first_day, EARLIEST_DAY, LATEST_DAY, format="YYYY-MM-DD")
        amounts = {
            field: st.text_input(
                f"{label} (USD)", max_chars=40, placeholder="0" if field == "request_usd" else ""
            )
            for field, label in AMOUNT_LABELS.items()
        }
    replaces_list = st.checkbox("Replace the list price, if there is one")
    if provider is None or not name.strip():
        raise AmountUnreadable("Choose a provider and enter the model's name as in your records.")
    price = CustomPrice(
        provider.slug,
        _match_name(model, name),
        start,
        **_read_amounts(amounts),
        replaces_list=replaces_list,
    )
    return price, provider


def _match_name(model: dict[str, Any] | None, typed: str) -> str:
    """The typed name, or the recorded one if they differ only in surrounding blanks: prices match exactly."""
    is_unchanged = model is not None and model["model_name"].strip() == typed.strip()
    return str(model["model_name"]) if model and is_unchanged else typed.strip()


def _read_amounts(texts: Mapping[str, str]) -> dict[str, Any]:
    amounts = {
        field: _read_amount(AMOUNT_LABELS[field], text, is_required=field in REQUIRED_AMOUNTS)
        for field, text in texts.items()
    }
    return amounts | {"request_usd": amounts["request_usd"] or Decimal(0)}


def _read_amount(label: str, text: str, is_required: bool) -> Decimal | None:
    if not text.strip() and not is_required:
        return None
    try:
        amount = read_amount(text)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(f"{label}: {unreadable}") from None
    if not 0 <= amount <= MAX_PRICE_USD:
        raise AmountUnreadable(f"{label}: enter a price from $0 to ${MAX_PRICE_USD:,}.")
    return amount


def _save(user: User, price: CustomPrice, provider: data.Provider) -> None:
    if any(_identify(known) == _identify(price) for known in data.load_custom_prices(user)):
        raise DatabaseError(
            f"This model already has a price from {format_day(price.valid_from)}. "
            "Delete that price first, or choose another date."
        )
    database_of(user).insert("model_prices", price.to_json(provider.provider_id))
    data.forget_version(user)
    st.session_state[PRICED_FROM] = price.valid_from
    announce(f"Price of {price.model_name} saved. Preview the changes below, then apply them.")


def _identify(price: CustomPrice) -> tuple[str, str, date]:
    return price.provider, price.model_name.casefold(), price.valid_from
