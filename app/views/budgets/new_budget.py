"""A new budget in one form, with the scope's last six months drawn behind its amount."""

from datetime import date
from typing import Any

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.budget_drivers import (
    compare_months,
    is_in_daily_costs,
    list_months,
    select_scope,
    sum_months,
)
from app.formats.amount_field import read_limit_amount
from app.formats.text import escape_markdown
from app.formats.units import format_exact
from app.parts.budget_address import open_part, render_way_back
from app.ui import charts
from app.ui.cards import render_heading
from app.ui.notices import announce, explain_refusal, render_refusal
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.budgets.budget_form import (
    Start,
    read_draft,
    render_channels,
    render_limit,
    render_thresholds,
)
from app.views.budgets.scope_form import Choice, render_scope
from tally.core.amounts import AmountUnreadable

KEY = "new-budget"
MONTHS = 6
MAX_NAME_LENGTH = 100


def render_new(user: User, today: date) -> None:
    """The form; the chart follows its fields."""
    render_way_back()
    title_row("Budgets")
    left, right = st.columns([5, 4], gap="small")
    with left, st.container(border=True):
        render_heading("New budget")
        name = st.text_input(
            "Name", max_chars=MAX_NAME_LENGTH, placeholder="Coding agents", key=f"{KEY}-name"
        )
        choice = render_scope(user, KEY)
        limit = render_limit(Start(currency=data.load_currency(user).code), KEY)
        thresholds = render_thresholds(Start(), KEY)
        channels = render_channels(data.load_channels(user), Start(), KEY)
        is_sent = st.button("Create budget", type="primary", key=f"{KEY}-save")
    with right, st.container(border=True):
        _render_months(user, choice, limit, today)
    if is_sent:
        try:
            if not name.strip():
                raise AmountUnreadable("Enter a name.")
            draft = read_draft(limit, thresholds, channels)
        except AmountUnreadable as unreadable:
            with left:
                render_refusal(unreadable)
            return
        with left:
            _create(user, name.strip(), choice, draft)


@explain_refusal
def _create(user: User, name: str, choice: Choice, draft: data.BudgetDraft) -> None:
    columns = {**draft.columns, **choice.columns, "name": name}
    budget_id = data.create_budget(user, data.BudgetDraft(columns, draft.thresholds, draft.channels))
    announce(f"Budget {name} created.")
    open_part(budget_id)
    st.rerun()


def _render_months(user: User, choice: Choice, limit: dict[str, Any], today: date) -> None:
    """The scope's last months as bars, with the limit of a month across them."""
    render_heading("Its last six months")
    scoped = choice.as_budget(limit)
    if not is_in_daily_costs(scoped.scope):
        st.caption("Past months are drawn for projects, providers and models.")
        return
    months = list_months(today, MONTHS)
    daily = data.load_daily(user, months[0], today, scoped.scope.project_id)
    amounts = sum_months(select_scope(daily, scoped, choice.provider_slug), limit["measure"], months)
    unit = "tokens" if limit["measure"] == "tokens" else data.load_currency(user).code
    try:
        amount = float(read_limit_amount(limit["amount"], limit["measure"]))
    except AmountUnreadable:
        amount = 0.0
    is_comparable = limit["period"] == "month" and (unit == "tokens" or limit["currency"] == unit)
    st.plotly_chart(
        charts.scope_months(amounts, amount if is_comparable else None, current_palette(), unit),
        theme=None,
        key="scope_months",
        config=charts.config(unit),
        alt="Spend of the scope in each of the last six months.",
    )
    last = amounts.iloc[-2]
    said = f"Last month: {format_exact(round(float(last), 4), unit)}."
    if is_comparable and amount:
        said += f" {compare_months(amounts, amount)}"
    st.caption(escape_markdown(said))
