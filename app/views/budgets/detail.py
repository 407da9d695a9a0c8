"""One budget: where its period will end, its course, what drives it, what happened, and its limit."""

from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.budget_course import calculate_course
from app.figures.budget_drivers import compare_models, explain_spend, is_in_daily_costs, select_scope
from app.figures.budget_words import describe_days, list_scope, name_earlier, read_progress, starts_again
from app.formats.dates import format_day, format_instant
from app.formats.money import format_change
from app.formats.text import escape_markdown
from app.formats.units import format_chosen, format_exact
from app.parts.budget_address import render_way_back
from app.parts.budget_state import IN_A_MINUTE, render_state
from app.parts.forecast_updates import render_forecast_updates
from app.parts.permissions import explain_fixed_budgets
from app.ui import charts, columns
from app.ui import progress as bars
from app.ui.cards import render_heading
from app.ui.line_list import render_lines
from app.ui.notices import render_announcement
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.budgets.actions import render_actions
from app.views.budgets.events import render_events
from app.views.budgets.limit_card import render_limit_card
from tally.budgets.status import BudgetStatus, State
from tally.core.known_days import KnownDays


def render_detail(user: User, status: BudgetStatus) -> None:
    """The page of a budget."""
    may_change = explain_fixed_budgets(user) is None
    zone = data.load_preferences(user).zone
    render_way_back()
    with title_row("Budgets"):
        if may_change:
            render_actions(user, status)
    render_announcement()
    updates = render_forecast_updates(user)
    _render_hero(user, status, zone, updates.is_updating)
    left, right = st.columns([2, 1], gap="small")
    with left:
        _render_course(status)
        _render_drivers(user, status)
        render_events(user, status, zone)
    with right:
        if may_change:
            render_limit_card(user, status)
        _render_about(user, status)


def _render_hero(user: User, status: BudgetStatus, zone: ZoneInfo, is_updating: bool) -> None:
    progress = read_progress(status, data.load_first_day(user))
    with st.container(border=True, gap="xxsmall", key="budget_hero"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(escape_markdown(status.budget.name), anchor=False, width="content")
            render_state(status.state, status.day, status.today, is_updating)
            for icon, name in list_scope(status.budget.scope, _name_providers(user)):
                st.caption(f":material/{icon}: {escape_markdown(name)}", width="content")
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            st.caption(describe_days(status), width="content")
            if status.outlook:
                st.caption(f"Forecast of {format_instant(status.outlook.made_at, zone)}", width="content")
        absence = IN_A_MINUTE if is_updating else State.NO_FORECAST.value
        absence = "" if status.outlook or status.state == State.PAUSED else absence
        page = bars.hero(progress, status.unit, name_earlier(status), absence)
        st.html(bars.render_styles(current_palette()) + page)
        if status.note:
            st.caption(escape_markdown(status.note))


def _render_course(status: BudgetStatus) -> None:
    with st.container(border=True):
        render_heading("Spend so far and to come" if status.outlook else "Spend so far")
        percents = sorted({threshold.percent for threshold in status.budget.thresholds})
        st.plotly_chart(
            charts.budget_course(
                calculate_course(status), float(status.limit), percents, current_palette(), status.unit
            ),
            theme=None,
            key="budget_course",
            config=charts.config(status.unit),
            alt=f"Cumulative spend, {format_exact(status.spent, status.unit)} so far, and the limit of "
            f"{format_chosen(status.limit, status.unit)}.",
        )


def _render_drivers(user: User, status: BudgetStatus) -> None:
    """Models with their change against the period before; only where daily costs know the scope."""
    scope = status.budget.scope
    known = KnownDays(status.previous.first, status.previous.last, data.load_first_day(user))
    if not is_in_daily_costs(scope) or not known.is_complete:
        return
    slug = next((one.slug for one in data.load_providers(user) if one.provider_id == scope.provider_id), None)
    daily = data.load_daily(user, status.previous.first, status.today, scope.project_id)
    rows = select_scope(daily, status.budget, slug)
    models = compare_models(rows, status)
    if models.empty:
        return
    with st.container(border=True):
        render_heading("What drives it", f"against {name_earlier(status)}")
        is_tokens = status.budget.measure == "tokens"
        currency = data.load_currency(user).code
        for reason, change in [] if is_tokens else explain_spend(rows, status):
            st.caption(escape_markdown(f"{format_change(change, currency)}: {reason}"))

        def amount(label: str) -> columns.Column:
            return columns.count(label, is_compact=True) if is_tokens else columns.money(label, currency)

        kinds = {
            "model": columns.name("Model", most_width=180),
            "change": amount("Change") if is_tokens else columns.change("Change", currency),
            "now": amount("Now"),
            "before": amount("Before"),
        }
        frame = models.astype(dict.fromkeys(("now", "before", "change"), "int64")) if is_tokens else models
        render_lines(frame, kinds, "Models by their change against the period before", "drivers")


def _render_about(user: User, status: BudgetStatus) -> None:
    budget = status.budget
    left_out = [
        name
        for name, counts in (("subscriptions", budget.counts_subscriptions), ("tax", budget.counts_tax))
        if not counts
    ]
    with st.container(border=True, gap="xsmall"):
        render_heading("About")
        scope = ", ".join(name for _, name in list_scope(budget.scope, _name_providers(user)))
        st.caption(
            escape_markdown(f"Counts {scope}" + (f", without {' and '.join(left_out)}" if left_out else ""))
        )
        st.caption(f"Starts again {format_day(starts_again(status))}")
        if status.state != State.PAUSED:
            pace = format_exact(status.at_this_pace, status.unit)
            st.caption(escape_markdown(f"At this pace {pace}: the average so far"))
        st.caption(f"Made {format_day(budget.created_at.date())}")


def _name_providers(user: User) -> dict[str, str]:
    return {provider.slug: provider.name for provider in data.load_providers(user)}
