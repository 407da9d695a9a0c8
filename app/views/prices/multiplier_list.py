"""Card of multipliers: discounts and markups of billing accounts."""

from collections.abc import Sequence
from datetime import date

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.parts.permissions import explain_fixed_prices
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.line_list import render_choices, selected_line
from app.views.prices.multiplier_form import confirm_deletion, edit_multiplier, name_account, show_multiplier
from tally.pricing.multipliers import Multiplier

EXPLAINED = (
    "Estimates of an account are list prices times its multiplier: 0.85 for a negotiated discount, 1.1 for a "
    "reseller's markup. Bills, custom prices and usage covered by plans stay as they are."
)
COLUMNS = {
    "account": columns.name("Billing account"),
    "multiplier": columns.number("Multiplier", show_multiplier),
    "from": columns.day("First day"),
    "to": columns.day("Last day"),
    "note": columns.fitting_text("Note"),
}


def describe_multipliers(user: User, multipliers: Sequence[Multiplier]) -> pd.DataFrame:
    """Multipliers, for COLUMNS; a column that all leave empty is left out."""
    lines = [
        {
            "account": name_account(user, multiplier),
            "multiplier": multiplier.multiplier,
            "from": multiplier.valid_from,
            "to": multiplier.valid_to,
            "note": multiplier.note or None,
        }
        for multiplier in multipliers
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS), dtype=object).dropna(axis="columns", how="all")


def render_multipliers(user: User, today: date) -> None:
    """List the multipliers, and offer to add, change and delete them."""
    multipliers = data.load_multipliers(user)
    with st.container(border=True):
        render_heading("Discounts and markups")
        st.caption(EXPLAINED)
        key = f"multipliers-{hash(str(multipliers))}"
        position = selected_line(key, len(multipliers))
        chosen = None if position is None else multipliers[position]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            fixed = explain_fixed_prices(user)
            if st.button(
                "Add a multiplier", icon=":material/add:", disabled=fixed is not None, key="add-multiplier"
            ):
                edit_multiplier(None, today)
            if multipliers:
                _render_actions(chosen, today, is_disabled=chosen is None or fixed is not None)
            if fixed:
                st.caption(fixed)
        if multipliers:
            render_choices(describe_multipliers(user, multipliers), COLUMNS, "Discounts and markups", key)


def _render_actions(chosen: Multiplier | None, today: date, is_disabled: bool) -> None:
    if (
        st.button("Edit", icon=":material/edit:", disabled=is_disabled, key="edit-multiplier")
        and chosen is not None
    ):
        edit_multiplier(chosen, today)
    is_deleted = st.button(
        "Delete multiplier", icon=":material/delete:", disabled=is_disabled, key="delete-multiplier"
    )
    if is_deleted and chosen is not None:
        confirm_deletion(chosen)
