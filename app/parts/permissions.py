"""Reasons why the user's role in the workspace does not allow a change."""

import streamlit as st

from app.auth.identity import User

ONLY_LOOK = "Viewers can look at everything here, but not change it."
OWN_ONLY = "Only what you added yourself is listed here."
PRICES = "Prices apply to everyone here, so only admins change them."
INVOICES = "Invoices concern everyone here, so only admins add and change them."
BUDGETS = "Budgets concern everyone here, so only admins change them."
ADVICE = "Advice concerns everyone here, so only admins decide about it."
SPLITS = "What runs concerns everyone here, so only admins change it."
OTHERS = "Only admins can change what other members added."


def explain_fixed(user: User, owner_id: str | None = None) -> str | None:
    """The reason why the user may not change what `owner_id` added, or add something; None if allowed."""
    if not user.workspace.may_write:
        return ONLY_LOOK
    is_others = owner_id is not None and owner_id != user.user_id
    return OTHERS if is_others and not user.workspace.may_administer else None


def explain_fixed_prices(user: User) -> str | None:
    """The reason why the user may not change prices; None if allowed."""
    return explain_fixed(user) or (None if user.workspace.may_administer else PRICES)


def explain_fixed_budgets(user: User) -> str | None:
    """The reason why the user may not change budgets; None if allowed."""
    return None if user.workspace.may_administer else BUDGETS


def explain_fixed_advice(user: User) -> str | None:
    """The reason why the user may not decide about advice; None if allowed."""
    return None if user.workspace.may_administer else ADVICE


def explain_fixed_splits(user: User) -> str | None:
    """The reason why the user may not change what versions of prompts run; None if allowed."""
    return None if user.workspace.may_administer else SPLITS


def explain_fixed_invoices(user: User) -> str | None:
    """The reason why the user may not add or change invoices; None if allowed."""
    return explain_fixed(user) or (None if user.workspace.may_administer else INVOICES)


def render_own_only(user: User) -> None:
    """A note on lists that leave out what other members added."""
    if not user.workspace.shows_others:
        st.caption(OWN_ONLY)


def render_reason(reason: str) -> None:
    """A card in place of a form that the user may not fill in."""
    with st.container(border=True):
        st.text(reason)
