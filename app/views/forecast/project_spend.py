"""Spend of a project that has no forecast."""

from datetime import date, timedelta

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures import spend
from app.formats.money import format_figure, format_money
from app.ui import cards, charts
from app.ui.theme import current_palette
from tally.storage.unnamed import UNASSIGNED

NO_FORECAST = (
    "No forecast yet: each night the 20 most expensive active projects with two weeks of usage are forecast."
)
SHOWN_DAYS = 90
SUMMED_DAYS = 30


def render_project_spend(user: User, project: data.Project, today: date, currency: str) -> None:
    """The recent cost of a project."""
    st.text(
        "Costs without a project have no forecast of their own."
        if project.project_id == UNASSIGNED
        else NO_FORECAST
    )
    first = today - timedelta(days=SHOWN_DAYS - 1)
    daily = data.load_daily(user, min(first, today.replace(day=1)), today, project.project_id)
    last_days = spend.select_days(daily, today - timedelta(days=SUMMED_DAYS - 1), today)
    this_month = spend.select_days(daily, today.replace(day=1), today)
    with st.grid(2, min_column_width=cards.card_width(currency), gap="small"):
        for label, days in ((f"Last {SUMMED_DAYS} days", last_days), ("Month to date", this_month)):
            st.metric(label, format_figure(spend.sum_money(days), currency), border=True)
    money = spend.fill_days(daily, first, today)
    if money.empty:
        return
    labels = {provider.slug: provider.name for provider in data.load_providers(user)}
    with st.container(border=True):
        cards.render_heading("Daily spend by provider", f"last {SHOWN_DAYS} days")
        st.plotly_chart(
            charts.daily_spend(money, charts.Context(), labels, current_palette(), currency),
            theme=None,
            key="project_spend",
            config=charts.config(currency),
            alt=f"Daily spend by provider, {format_money(float(money['cost'].sum()), currency)} in total.",
        )
