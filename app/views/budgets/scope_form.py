"""The scope of a new budget: everything, or all that is chosen together."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import User
from tally.budgets.budget import Budget, Scope
from tally.core.dimensions import DIMENSIONS, DimensionName

ANY = "Any"
MAX_TAG_LENGTH = 200
DIMENSIONS_OF_BUDGETS: tuple[DimensionName, ...] = ("agent", "environment", "customer")


@dataclass(frozen=True, slots=True)
class Choice:
    """The chosen scope: the columns of a budget, and the slug of its provider."""

    columns: dict[str, str | None]
    provider_slug: str | None

    def as_budget(self, limit: dict[str, Any]) -> Budget:
        """A budget of this scope that is not saved yet."""
        named = {"project": None, "provider": None, "person": None}
        return Budget(
            id="",
            name="",
            scope=Scope(**{**self.columns, **named}),
            measure=limit["measure"],
            amount=Decimal(1),
            currency=limit["currency"],
            period_kind=limit["period"],
            starts_on_day=limit["starts_on_day"],
            counts_subscriptions=limit["counts_subscriptions"],
            counts_tax=limit["counts_tax"],
            paused_at=None,
            created_at=datetime.now(UTC),
            thresholds=(),
            channels=(),
        )


def render_scope(user: User, key: str) -> Choice:
    """The fields; select boxes show names as plain text, so hostile names are harmless."""
    st.caption("Everything, or only what matches all of these:")
    projects = {one.project_id: one.name for one in data.load_projects(user) if not one.is_archived}
    providers = {one.provider_id: one.name for one in data.load_providers(user)}
    slugs = {one.provider_id: one.slug for one in data.load_providers(user)}
    people = {} if user.workspace.is_personal else _list_people(user)
    accounts = data.load_account_names(user)
    values = data.load_recent_values(user)
    with st.grid(2, min_column_width=170, gap="small"):
        chosen: dict[str, str | None] = {
            "project_id": _choose("Project", projects, f"{key}-project"),
            "provider_id": _choose("Provider", providers, f"{key}-provider"),
            "model_name": _choose(
                "Model", {name: name for name in data.load_model_names(user)}, f"{key}-model"
            ),
            "user_id": _choose("Person", people, f"{key}-person"),
            "billing_account": _choose("Billing account", accounts, f"{key}-account"),
            "tag": st.text_input("Tag", max_chars=MAX_TAG_LENGTH, key=f"{key}-tag").strip() or None,
            **{name: _choose_value(name, values[name], f"{key}-{name}") for name in DIMENSIONS_OF_BUDGETS},
        }
    provider = chosen["provider_id"]
    return Choice(chosen, slugs.get(provider) if provider else None)


def _list_people(user: User) -> dict[str, str]:
    return {person.user_id: person.email for person in data.load_people(user).values() if person.role}


def _choose(label: str, options: dict[str, str], key: str) -> str | None:
    """A field that leaves the scope open; without options there is none."""
    if not options:
        return None
    return st.selectbox(
        label, list(options), index=None, format_func=options.__getitem__, placeholder=ANY, key=key
    )


def _choose_value(name: DimensionName, known: list[str], key: str) -> str | None:
    """A value of a dimension, one that records name or another."""
    chosen = st.selectbox(
        DIMENSIONS[name].title, known, index=None, placeholder=ANY, accept_new_options=True, key=key
    )
    return (chosen or "").strip()[:MAX_TAG_LENGTH] or None
