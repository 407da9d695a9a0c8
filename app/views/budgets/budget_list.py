"""The list of budgets, worst first: what is spent, the likely end, the chance, and what is left a day."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.budget_words import (
    ALL,
    FILTERS,
    count_by_filter,
    describe_period,
    list_scope,
    name_earlier,
    read_progress,
    sort_worst_first,
    summarize,
)
from app.figures.channels import Channel
from app.figures.limit_probability import format_probability
from app.figures.progress_words import describe_range
from app.formats.text import DASH, escape_markdown
from app.formats.units import format_chosen, format_exact, format_whole
from app.parts.budget_address import NEW, open_part
from app.parts.budget_state import render_state
from app.parts.forecast_updates import render_forecast_updates
from app.parts.permissions import explain_fixed_budgets
from app.ui import progress as bars
from app.ui.notices import render_announcement
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.budgets.channels import show_channels
from tally.budgets.status import BudgetStatus, State
from tally.core.text import plural

COLUMNS = [3.8, 10.8, 1.2]
NOTHING = "Say what something should cost at most, and Tally tells you when it will likely cost more."
PAGE_ROWS = 25
NONE_HERE = "No budget here."
SEEN_AS = {State.EXCEEDED: "bad", State.LIKELY: "warn"}
HEADS = ("Spent, range and limit", "Likely end", "Chance", "Left per day")


def render_list(user: User, statuses: Sequence[BudgetStatus]) -> None:
    """The page without a chosen budget."""
    fixed = explain_fixed_budgets(user)
    with title_row("Budgets"), st.container(horizontal=True, width="content", gap="small"):
        kept = _choose_filter(statuses) if statuses else ALL
        st.button(
            "New budget", type="primary", icon=":material/add:", disabled=fixed is not None,
            on_click=open_part, args=(NEW,), help=fixed,
        )  # fmt: skip
    render_announcement()
    if not statuses:
        with st.container(border=True, gap="small", key="no_budgets"):
            st.header("No budgets yet", anchor=False)
            st.text(NOTHING)
        _render_reason(fixed)
        return
    st.text(summarize(statuses))
    _render_reason(fixed)
    updates = render_forecast_updates(user)
    kept_ones = [status for status in sort_worst_first(statuses) if FILTERS[kept](status)]
    pages = -(-len(kept_ones) // PAGE_ROWS)
    page_key = f"budgets-page-{kept}"
    page = min(st.session_state.get(page_key) or 1, pages or 1)
    shown = kept_ones[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    palette = current_palette()
    st.html(bars.render_styles(palette))
    with st.container(border=True, gap=None, key="budgets"):
        if not shown:
            st.text(NONE_HERE)
            return
        with st.container(key="budgets_head"):
            head = st.columns(COLUMNS, vertical_alignment="center")
            head[0].caption("Budget")
            head[1].html(bars.heads(HEADS))
            head[2].caption("Alerts")
        channels = data.load_channels(user)
        names = {provider.slug: provider.name for provider in data.load_providers(user)}
        begins = data.load_first_day(user)
        for status in shown:
            _render_row(status, names, channels, updates.is_updating, begins)
    st.html(f'<div class="tly">{bars.legend()}</div>')
    if pages > 1:
        st.pagination(pages, key=page_key)


def _render_reason(fixed: str | None) -> None:
    if fixed:
        st.caption(fixed)


def _choose_filter(statuses: Sequence[BudgetStatus]) -> str:
    counts = count_by_filter(statuses)
    return (
        st.segmented_control(
            "Shown budgets",
            list(FILTERS),
            default=ALL,
            required=True,
            format_func=lambda name: f"{name} {counts[name]}",
            key="shown_budgets",
            label_visibility="collapsed",
        )
        or ALL
    )


def _render_row(
    status: BudgetStatus,
    names: Mapping[str, str],
    channels: Sequence[Channel],
    is_updating: bool,
    begins: date | None,
) -> None:
    budget = status.budget
    with st.container(key=f"budget-{budget.id}"):
        name, numbers, alerts = st.columns(COLUMNS, vertical_alignment="center")
        with name, st.container(gap=None):
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.button(
                    f"**{escape_markdown(budget.name)}**",
                    key=f"open-{budget.id}",
                    type="tertiary",
                    on_click=open_part,
                    args=(budget.id,),
                )
                render_state(status.state, None, status.today, is_updating)
            st.caption(
                " ".join(
                    f":material/{icon}: {escape_markdown(text)}"
                    for icon, text in list_scope(budget.scope, names)
                )
            )
        numbers.html(_describe_numbers(status, begins))
        with alerts, st.container(key=f"budget_alerts-{budget.id}"):
            show_channels(status, channels)


def _describe_numbers(status: BudgetStatus, begins: date | None) -> str:
    progress, unit = read_progress(status, begins), status.unit
    left = f"{format_exact(abs(status.left), unit)} {'left' if status.left >= 0 else 'over'}"
    over = "" if status.left >= 0 else "bad"
    spent = (
        f"<b>{escape(format_whole(status.spent, unit))}</b> of {escape(format_chosen(status.limit, unit))}"
    )
    is_known = status.chance is not None and status.state != State.PAUSED
    likely = format_whole(status.likely, unit) if status.likely is not None and is_known else DASH
    chance = format_probability(status.chance) if status.chance is not None and is_known else DASH
    a_day = (
        format_exact(status.left_a_day, unit) if status.left_a_day and status.state != State.PAUSED else DASH
    )
    days = f"for {plural(status.days_to_come, 'day')}" if a_day != DASH else ""
    within = describe_range(progress, unit) if likely != DASH else ""
    return (
        '<div class="tly"><div class="tlyrow">'
        f'<div><div class="ends"><span>{spent} {escape(describe_period(status))}</span>'
        f'<span class="{over}">{escape(left)}</span></div>'
        f"{bars.thin_bar(progress, unit, name_earlier(status))}</div>"
        f"{_number(HEADS[1], likely, within)}{_number(HEADS[2], chance, '', SEEN_AS.get(status.state, ''))}"
        f"{_number(HEADS[3], a_day, days)}</div></div>"
    )


def _number(head: str, text: str, note: str, kind: str = "") -> str:
    """A number; its own head is for narrow pages, which show no heads above the rows."""
    named = f"<em>{head}</em>"
    return f'<span>{named}<b class="{kind}">{escape(text)}</b><small>{escape(note)}</small></span>'
