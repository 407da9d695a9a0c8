"""The month hero: what is spent, where the month will likely end, and what is left of the limit."""

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures import live_month, outlook, spend
from app.figures.month_progress import add_limit, calculate_month_progress
from app.figures.progress import Progress
from app.figures.week_ranges import TotalRatios, calculate_ratios
from app.parts.budget_state import IN_A_MINUTE, render_state
from app.ui import progress as bars
from app.ui.theme import current_palette
from tally.core.known_days import KnownDays
from tally.core.months import add_months, last_day_of_month, month_before

NO_PROJECT_FORECAST = "No forecast of this project"
LAST_MONTH = "last month at this day"


class Month(NamedTuple):
    """This month: its progress, the predicted days after today, the likeliest day of its limit.

    And the ratios of the range of the next 30 days.
    """

    progress: Progress
    ahead: pd.DataFrame
    limit_day: date | None
    ratios: TotalRatios | None


def load_month(
    user: User, daily: pd.DataFrame, project: data.Project | None, limit: Decimal | None, today: date
) -> Month:
    """The month as it is now; `daily` has every day since the first of the month before."""
    series = data.ForecastSeries(project_id=project.project_id if project else None)
    totals = data.load_forecast_totals(user, series.project_id)
    newest = data.load_newest_forecast(user, series, totals)
    first = today.replace(day=1)
    this_month = spend.select_days(daily, first, today)
    earlier = month_before(today)[0], add_months(today, -1)
    is_known = KnownDays(*earlier, data.load_first_day(user)).is_complete
    last_month = spend.select_days(daily, *earlier) if is_known else None
    by_day = spend.spend_by_day(this_month, first, today)
    stored = outlook.find_total(totals, series, "next_30_days", today)
    totals = live_month.bring_up_to_date(totals, series, by_day, newest, today)
    total = outlook.find_total(totals, series, "month_end", today)
    outcome = outlook.calculate_month_limit(total, limit, by_day, newest, today)
    progress = calculate_month_progress(this_month, last_month, total, today)
    return Month(
        add_limit(progress, limit, outcome),
        newest[newest["date"].dt.date > today],
        outcome and outcome.day,
        calculate_ratios(stored, float(newest["renewals"].sum())),
    )


def explain_absence(
    run: dict[str, Any] | None, project: data.Project | None, is_enabled: bool, has_worker: bool
) -> str:
    """The reason why the month has no forecast."""
    if project:
        return NO_PROJECT_FORECAST
    return f"Forecast {outlook.explain_absence(run, is_enabled, has_worker)}"


def render_month(month: Month, absence: str, today: date, currency: str) -> None:
    """The hero."""
    progress, palette = month.progress, current_palette()
    with st.container(border=True, gap="xxsmall", key="month"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.caption(f"{today:%B}, day {today.day} of {last_day_of_month(today).day}", width="content")
            if progress.state:
                render_state(progress.state, month.limit_day, today, absence == IN_A_MINUTE)
        st.html(bars.render_styles(palette) + bars.hero(progress, currency, LAST_MONTH, absence))
