"""The part of the Budgets page that the address names: `?budget=<id>`, or a new budget; and ways there."""

from collections.abc import Sequence

import streamlit as st

from app.auth.identity import User
from app.figures.budget_words import AT_RISK, FILTERS, find_paused_limit, summarize
from app.formats.text import escape_markdown
from app.parts.permissions import explain_fixed_budgets
from app.ui.navigation import switch_page
from app.ui.titles import way_back
from tally.budgets.status import BudgetStatus

BUDGET, NEW = "budget", "new"


def read_choice() -> str | None:
    """The id of a budget, `new`, or None for the list."""
    return st.query_params.get(BUDGET)


def open_part(choice: str | None) -> None:
    """Show a budget, the form of a new one, or the list."""
    if choice is None:
        st.query_params.pop(BUDGET, None)
    else:
        st.query_params[BUDGET] = choice


def render_way_back() -> None:
    """The button that leads back to the list."""
    way_back("All budgets", "back_to_budgets", open_part, None)


def render_budgets_link(user: User, statuses: Sequence[BudgetStatus], has_limit: bool) -> None:
    """A sentence on budgets at risk that opens them; without a limit, the paused one, or the way to one."""
    paused = None if has_limit else find_paused_limit(statuses)
    if any(map(FILTERS[AT_RISK], statuses)):
        _render_link("budgets_link", summarize(statuses))
    elif not has_limit and paused is None and explain_fixed_budgets(user) is None:
        _render_link("budgets_link", "Set a limit", NEW)
    if paused:
        label = f"The limit “{escape_markdown(paused.budget.name)}” is paused"
        _render_link("paused_limit", label, paused.budget.id)


def _render_link(key: str, label: str, choice: str | None = None) -> None:
    if st.button(label, icon=":material/savings:", type="tertiary", key=key):
        switch_page("budgets", **({BUDGET: choice} if choice else {}))
