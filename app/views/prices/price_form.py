"""The fields of a price of one's own."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.formats.amount_field import read_amount
from app.formats.dates import format_day
from app.ui.notices import announce, render_refusal
from app.ui.periods import EARLIEST_DAY
from tally.core.amounts import AmountUnreadable
from tally.pricing.custom_prices import CustomPrice
from tally.storage.database import DatabaseError

PRICED_FROM = "priced-from"  # the day from which on a look at the difference makes sense
LARGEST_USD = 1_000_000
LONGEST_NAME = 200


@st.dialog("Set a price", icon=":material/sell:", width="medium")
def set_price(model: dict[str, Any] | None, first_day: date) -> None:
    """Ask what a model costs; what has been recorded of it is priced when the difference was looked at."""
    user = identity.current_user()
    providers = data.load_providers(user)
    st.caption("In US dollars for a million tokens. A class that is left empty costs what other input costs.")
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
        slugs = [provider.slug for provider in providers]
        provider = st.selectbox(
            "Provider",
            providers,
            index=slugs.index(model["provider"]) if model else None,
            format_func=lambda provider: provider.name,
            placeholder="Who is paid",
        )
        name = st.text_input("Model", model["model_name"] if model else "", max_chars=LONGEST_NAME)
        start = st.date_input("Valid from", first_day, EARLIEST_DAY, date(2099, 12, 31), format="YYYY-MM-DD")
        request = _type_amount("A request", "0")
        amounts = [_type_amount(label) for label in ("Input", "Output")]
        cached, write, write_1h = (
            _type_amount(label) for label in ("Cached input", "Cache write, 5 minutes", "Cache write, 1 hour")
        )
    replaces = st.checkbox("Use it instead of the list price, where there is one")
    if provider is None or not name.strip():
        raise AmountUnreadable("Say whose model it is, and its name as it is recorded.")
    price = CustomPrice(
        provider.slug,
        # Compared with recorded names, which may begin or end with anything.
        model["model_name"] if model and model["model_name"].strip() == name.strip() else name.strip(),
        start,
        _read_amount("Input", amounts[0], needed=True) or Decimal(0),
        _read_amount("Output", amounts[1], needed=True) or Decimal(0),
        _read_amount("Cached input", cached),
        _read_amount("Cache write, 5 minutes", write),
        _read_amount("Cache write, 1 hour", write_1h),
        _read_amount("A request", request) or Decimal(0),
        replaces,
    )
    return price, provider


def _type_amount(label: str, placeholder: str = "") -> str:
    return st.text_input(f"{label}, USD", max_chars=40, placeholder=placeholder)


def _read_amount(label: str, text: str, needed: bool = False) -> Decimal | None:
    if not text.strip() and not needed:
        return None
    try:
        amount = read_amount(text)
    except AmountUnreadable as unreadable:
        raise AmountUnreadable(f"{label}: {unreadable}") from None
    if not 0 <= amount <= LARGEST_USD:
        raise AmountUnreadable(f"{label}: a price is from 0 to {LARGEST_USD:,} dollars.")
    return amount


def _save(user: User, price: CustomPrice, provider: data.Provider) -> None:
    if any(_is_same(known, price) for known in data.load_custom_prices(user)):
        raise DatabaseError(
            f"There is a price of this model from {format_day(price.valid_from)} already. "
            "Delete that first, or choose another day."
        )
    database_of(user).insert("model_prices", price.to_json(provider.provider_id))
    data.forget_version(user)
    st.session_state[PRICED_FROM] = price.valid_from
    announce(f"Price of {price.model_name} saved. Look at the difference below, then apply it.")


def _is_same(known: CustomPrice, price: CustomPrice) -> bool:
    keys = [(each.provider, each.model_name.casefold(), each.valid_from) for each in (known, price)]
    return keys[0] == keys[1]
