"""The workspace's own models: their list, and the dialogs that add, change and delete one."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.parts.permissions import explain_fixed_prices
from app.parts.provider_choice import choose_provider
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.danger import confirm_danger
from app.ui.line_list import render_choices, selected_line
from app.ui.notices import announce, explain_refusal
from tally.pricing.custom_models import TABLE, CustomModel
from tally.storage.database import DatabaseError

MAX_NAME, MAX_NOTE = 200, 500
ABOUT = (
    "Fine-tuned models and those of your own servers are in no list. Here they get a place in the catalogue, "
    "with the model that they were made from. Their price is the one that you set on the page Prices."
)
COLUMNS = {
    "model": columns.name("Model", most_width=260),
    "provider": columns.text("Provider"),
    "base": columns.name("Made from"),
    "note": columns.fitting_text("Note"),
}


def render_own_models(user: User) -> None:
    """The card; only admins change it."""
    models = data.load_custom_models(user)
    key = f"own-models-{hash(tuple(models))}"
    place = selected_line(key, len(models))
    chosen = None if place is None else models[place]
    fixed = explain_fixed_prices(user)
    with st.container(border=True):
        render_heading("Your own models")
        st.caption(ABOUT)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if st.button("Add a model", icon=":material/add:", disabled=fixed is not None, key="add-model"):
                edit_model(None)
            if models:
                is_disabled = fixed is not None or chosen is None
                if _button("Edit", "edit", is_disabled) and chosen:
                    edit_model(chosen)
                if _button("Delete", "delete", is_disabled) and chosen:
                    confirm_deletion(chosen)
            if fixed:
                st.caption(fixed)
        if models:
            render_choices(_describe(models, user), COLUMNS, "Your own models", key)


def _button(label: str, icon: str, is_disabled: bool) -> bool:
    return st.button(label, icon=f":material/{icon}:", disabled=is_disabled, key=f"{icon}-model")


def _describe(models: Sequence[CustomModel], user: User) -> pd.DataFrame:
    names = {provider.slug: provider.name for provider in data.load_providers(user)}
    rows = [
        {
            "model": model.model_name,
            "provider": names.get(model.provider, model.provider),
            "base": model.base_model,
            "note": model.note or None,
        }
        for model in models
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


@st.dialog("Your own model", icon=":material/edit:")
@explain_refusal
def edit_model(before: CustomModel | None) -> None:
    """Ask for a model's name and base, and save them."""
    user = identity.current_user()
    with st.form("own-model", border=False):
        provider = choose_provider(data.load_providers(user), slug=before.provider if before else None)
        name = st.text_input(
            "Model", before.model_name if before else "", max_chars=MAX_NAME, help="As your records name it."
        )
        base = st.text_input(
            "Made from (optional)", (before.base_model if before else None) or "", max_chars=MAX_NAME
        )
        note = st.text_input("Note (optional)", before.note if before else "", max_chars=MAX_NOTE)
        if not st.form_submit_button("Save model", type="primary", width="stretch"):
            return
    if provider is None or not name.strip():
        raise DatabaseError("Choose a provider and enter the model's name as in your records.")
    model = CustomModel(provider.slug, name.strip(), base.strip() or None, note.strip())
    _save(user, model, before, provider.provider_id)
    st.rerun()


def _save(user: User, model: CustomModel, before: CustomModel | None, provider_id: str) -> None:
    if model.base_model == model.model_name:
        raise DatabaseError("A model is not made from itself. Enter another one, or leave the field empty.")
    others = [known for known in data.load_custom_models(user) if before is None or known.id != before.id]
    if any((known.provider, known.model_name) == (model.provider, model.model_name) for known in others):
        raise DatabaseError("This model is there already. Select it in the list to edit it.")
    row = model.to_json(provider_id)
    if before is None:
        database_of(user).insert(TABLE, row)
    else:
        database_of(user).update(TABLE, before.id, row)
    data.forget_version(user)
    announce(f"{model.model_name} saved.")


@st.dialog("Delete this model?", icon=":material/delete:")
@explain_refusal
def confirm_deletion(model: CustomModel) -> None:
    """Explain the effect, confirm, then delete."""
    user = identity.current_user()
    st.text(model.model_name)
    st.caption("It leaves the catalogue. Its records and prices stay.")
    if not confirm_danger("Delete model"):
        return
    database_of(user).delete(TABLE, model.id)
    data.forget_version(user)
    announce(f"{model.model_name} deleted.")
    st.rerun()
