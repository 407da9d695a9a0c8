"""The way from Explore to its records."""

from collections.abc import Mapping

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.explore_words import DIMENSIONS
from app.parts.project_choice import WITHOUT
from app.parts.record_labels import BASES
from app.ui.navigation import switch_page
from app.views.explore.answer import Answer
from tally.core.text import plural

FILTERED = {
    "provider": "provider",
    "model": "model",
    "project": "project",
    "billing_account": "account",
    "cost_basis": "basis",
    "session": "session",
}


def render_records_link(user: User, answer: Answer) -> None:
    """The button, and what Records cannot filter by."""
    if st.button(f"Show {plural(answer.now.total.records, 'record')}", icon=":material/receipt_long:"):
        switch_page("records", None, **make_parameters(user, answer))


def explain_left_out(answer: Answer) -> str:
    """The filters that Records does not have, as a sentence; empty if it has all."""
    left_out = [
        DIMENSIONS[name].label.lower()
        for name, values in answer.view.filters
        if name not in FILTERED or len(values) > 1 or (values[0] is None and name != "project")
    ]
    if not left_out:
        return ""
    return f"Records cannot be filtered by {' or '.join(left_out)} like this, and show more."


def make_parameters(user: User, answer: Answer) -> dict[str, str | list[str]]:
    """The address of the same days and filters, as far as Records has them."""
    days = answer.now.question
    found = {"first_day": days.first.isoformat(), "last_day": days.last.isoformat()}
    names = _name_options(user)
    for dimension, values in answer.view.filters:
        if dimension not in FILTERED or len(values) != 1:
            continue
        option = values[0] if dimension == "session" else names[dimension].get(values[0])
        if option:
            found[FILTERED[dimension]] = option
    return dict(found)


def _name_options(user: User) -> dict[str, Mapping[str | None, str]]:
    """The options of the fields of Records by value."""
    return {
        "provider": {provider.slug: provider.name for provider in data.load_providers(user)},
        "model": {name: name for name in data.load_model_names(user)},
        "project": {None: WITHOUT} | {each.project_id: each.slug for each in data.load_projects(user)},
        "billing_account": dict(data.load_account_names(user).items()),
        "cost_basis": dict(BASES.items()),
    }
