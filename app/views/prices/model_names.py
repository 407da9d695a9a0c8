"""Names that no price list has: asked once which model they are, and listed with the way back."""

from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.parts.permissions import explain_fixed_prices
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.danger import confirm_danger
from app.ui.line_list import render_choices, selected_line
from app.ui.notices import announce, explain_refusal
from app.views.prices.repricing import show_repricing
from tally.core.text import plural
from tally.pricing.listed_models import list_models
from tally.pricing.model_aliases import ModelAlias
from tally.pricing.naming import name_model

COLUMNS = {
    "name": columns.name("Name"),
    "provider": columns.text("Provider"),
    "model": columns.fitting_text("Model"),
}


@st.dialog("Which model is this?", icon=":material/label:")
@explain_refusal
def ask_for_model(unpriced: dict[str, Any]) -> None:
    """Ask once which model a name is; its records get the model's name and price."""
    user = identity.current_user()
    provider, name = str(unpriced["provider"]), str(unpriced["model_name"])
    st.text(name)
    with st.spinner("Reading the price list…"):
        models = list_known_models(user, provider)
    model = st.selectbox("Model", models, index=None, placeholder="Choose a model", key="alias-model")
    st.caption(
        "Records of this name, bills included, get the model's name, and estimates its price, now and in "
        "later imports. You can take that back at any time."
    )
    if (
        not st.button("Save and reprice", type="primary", width="stretch", disabled=model is None)
        or not model
    ):
        return
    with show_repricing(user) as on_progress:
        done = name_model(database_of(user), provider, name, model, on_progress)
    announce(
        f"{name} is {model} from now on. {plural(done.records, 'record')} renamed, "
        f"{plural(done.repriced, 'estimate')} repriced."
    )
    st.rerun()


def list_known_models(user: User, provider: str) -> list[str]:
    """Models with a list price at a provider, or with a custom price."""
    custom = {price.model_name for price in data.load_custom_prices(user) if price.provider == provider}
    return sorted({*list_models(provider), *custom})


def render_model_names(user: User) -> None:
    """List the names that were explained, if there are any, and offer to take one back."""
    aliases = data.load_model_aliases(user)
    if not aliases:
        return
    with st.container(border=True):
        render_heading("Names of models")
        key = f"model-names-{hash(str(aliases))}"
        position = selected_line(key, len(aliases))
        alias = None if position is None else aliases[position]
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            fixed = explain_fixed_prices(user)
            is_disabled = alias is None or fixed is not None
            if (
                st.button("Delete name", icon=":material/delete:", disabled=is_disabled, key="delete-name")
                and alias is not None
            ):
                confirm_deletion(alias)
            if fixed or alias is None:
                st.caption(fixed or "Select a name to take it back.")
        providers = {provider.slug: provider.name for provider in data.load_providers(user)}
        lines = [
            {
                "name": alias.name,
                "provider": providers.get(alias.provider, alias.provider),
                "model": alias.model_name,
            }
            for alias in aliases
        ]
        render_choices(pd.DataFrame(lines, columns=list(COLUMNS)), COLUMNS, "Names of models", key)


@st.dialog("Delete this name?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(alias: ModelAlias) -> None:
    """Explain the effect, confirm, then give the records their own name and price again."""
    user = identity.current_user()
    st.text(f"{alias.name} is {alias.model_name}")
    st.caption("Its records get their own name back, and lose the price of the model.")
    if not confirm_danger("Delete name"):
        return
    with show_repricing(user) as on_progress:
        done = name_model(database_of(user), alias.provider, alias.name, "", on_progress)
    announce(f"{alias.name} has its own name again, in {plural(done.records, 'record')}.")
    st.rerun()
