"""The Overview below the month: a period and what was spent in it, which changes without the month above."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import data
from app.auth.identity import User, current_user
from app.data.providers import Provider
from app.figures import chart_days, spend
from app.figures.anomalies import AnomalySummary, describe_anomalies, select_confirmed
from app.figures.subscription_days import LONGEST_DAYS, spread_ahead, spread_subscriptions
from app.formats.dates import format_span
from app.parts.problem import render_problem
from app.parts.subscription_form import parse_subscription
from app.ui.periods import EARLIEST_DAY, Period, render_period, today_in
from app.ui.theme import current_palette
from app.views.overview.cards import render_notes, render_providers, render_top_models
from app.views.overview.daily_card import DailyCard, render_daily
from app.views.overview.dimension_card import render_dimensions
from app.views.overview.month import Month
from app.views.overview.splits import render_splits
from tally.spend.subscriptions import Subscription
from tally.storage.database import DatabaseError

SPREAD_HELP = (
    "Each subscription in equal parts on the days that it pays for, instead of on the day it renews."
)


@dataclass
class Above:
    """The month above, and the data and the day that it was drawn with."""

    month: Month
    project: data.Project | None
    version: str
    today: date
    is_new: bool = True

    def is_outdated(self, user: User) -> bool:
        """True once there are newer data or another day; False in the run that draws the month."""
        is_new, self.is_new = self.is_new, False
        today = today_in(data.load_preferences(user).zone)
        return not is_new and (data.data_version(user), today) != (self.version, self.today)


class Costs(NamedTuple):
    """Daily costs as they were paid, and as they are shown with the predicted days."""

    providers: Sequence[Provider]
    paid: pd.DataFrame
    daily: pd.DataFrame
    ahead: pd.DataFrame


@st.fragment
def render_spending(above: Above, wait_for_figures: Callable[[], object]) -> None:
    """Draw what was spent; where that is newer than the month above, the whole page follows."""
    try:
        user = current_user()
        _render(user, above, wait_for_figures)
        is_outdated = above.is_outdated(user)
    except DatabaseError as problem:
        render_problem(problem)
        return
    if is_outdated:
        st.rerun()


def _render(user: User, above: Above, wait_for_figures: Callable[[], object]) -> None:
    described, period, plans = _render_filters(user, above.today)
    with st.skeleton(height=600):
        costs = _load_costs(user, above, period, plans)
    wait_for_figures()
    currency = data.load_currency(user).code
    shown = spend.select_days(costs.daily, period.first, period.last)
    first_spent = None if shown.empty else shown["date"].min().date()
    first_day = period.first or first_spent or period.last
    described.caption(f"Everything below is for {format_span(first_day, period.last)}")
    if spend.select_money(shown).empty:
        with st.container(border=True):
            st.text("No spend in this period. Choose a longer date range above.")
            render_notes(spend.calculate_spend(shown), currency)
        return
    labels = {provider.slug: provider.name for provider in costs.providers}
    charted = chart_days.begin_chart(first_day, period.last, first_spent) if period.is_preset else first_day
    with st.container(border=True):
        load_unusual = partial(_load_unusual, user, above, period, costs)
        begins, ratios = data.load_first_day(user), above.month.ratios
        card = DailyCard(period, charted, costs.daily, costs.ahead, load_unusual, begins, ratios)
        render_daily(card, labels, current_palette(), currency, user.workspace.may_write)
    now = spend.calculate_spend(shown)
    left, right = st.columns([5, 3], gap="small")
    with left, st.container(border=True, height="stretch"):
        render_top_models(shown, now.cost_per_request, currency, period)
    with right, st.container(border=True, height="stretch"):
        money = spend.fill_days(costs.daily, charted, period.last)
        render_providers(money, labels, currency, period)
        render_notes(now, currency)
    render_splits(user, period, above.project, currency)
    paid = spend.select_days(costs.paid, first_day, period.last)
    render_dimensions(user, period, above.project, paid)


def _render_filters(user: User, today: date) -> tuple[DeltaGenerator, Period, list[Subscription]]:
    """The place of the sentence on the days, the period, and the subscriptions to spread."""
    row = st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
    )
    described = row.container(width="content")
    subscriptions = data.load_subscriptions(user)
    with row.container(
        horizontal=True,
        width="content",
        vertical_alignment="center",
        gap="medium",
        key="period_and_spread" if subscriptions else "period_alone",
    ):
        is_spread = bool(subscriptions) and st.toggle(
            "Spread subscriptions", key="spread", bind="query-params", help=SPREAD_HELP
        )
        period = render_period(today, data.load_preferences(user).default_range)
    return described, period, [parse_subscription(row) for row in subscriptions] if is_spread else []


def _load_costs(user: User, above: Above, period: Period, plans: Sequence[Subscription]) -> Costs:
    """The period's costs and those of the days before it, with which they are compared."""
    providers = data.load_providers(user)
    loaded_from = period.before.first if period.before else None
    if loaded_from and plans:
        loaded_from -= timedelta(days=LONGEST_DAYS)
    project_id = above.project.project_id if above.project else None
    paid = data.load_daily(user, loaded_from, above.today, project_id)
    ahead = above.month.ahead if period.last == above.today else above.month.ahead.iloc[:0]
    if not plans:
        return Costs(providers, paid, paid, ahead)
    slugs = {provider.provider_id: provider.slug for provider in providers}
    # Subscriptions are of all projects.
    named = [] if above.project else [(slugs[plan.provider_id], plan) for plan in plans]
    spread = spread_subscriptions(paid, named, above.today)
    return Costs(providers, paid, spread, spread_ahead(ahead, paid, named, data.load_currency(user)))


def _load_unusual(user: User, above: Above, period: Period, costs: Costs) -> list[AnomalySummary]:
    # Anomalies are of all projects.
    flagged = [] if above.project else data.load_anomalies(user, period.first or EARLIEST_DAY)
    slugs = {provider.provider_id: provider.slug for provider in costs.providers}
    confirmed = select_confirmed((row for row in flagged if row["day"] <= period.last), costs.paid, slugs)
    names = {provider.provider_id: provider.name for provider in costs.providers}
    return describe_anomalies(confirmed, names, data.load_currency(user), above.today)
