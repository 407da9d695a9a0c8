"""The cards of the Overview."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from app.figures.outlook import month_end
from app.figures.spend import Spend, sum_by_provider, top_models
from app.formats.counts import format_change
from app.formats.money import NO_PRICE, format_figure, format_money, format_money_range, format_unit_price
from app.formats.text import DASH, escape_markdown
from app.ui import charts, columns
from app.ui.cards import render_heading
from app.ui.periods import Period
from app.ui.tables import render_table
from app.ui.theme import Palette
from tally.core.text import plural

SPARK_POINTS = 90
TOP_MODELS = 10
MODEL_WIDTH = 180  # pixels: on a phone, cost and share fit beside it


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """The forecast of this month's total, with cumulative spend by day for its sparkline."""

    total: dict[str, Any] | None
    absence: str  # shown in place of the range while there is no forecast
    cumulative: pd.Series
    chance: str | None  # of exceeding the monthly limit


def render_spend(
    period: Period, now: Spend, before: Decimal | None, by_day: pd.Series, currency: str
) -> None:
    """Spend of the period, compared with the same number of days before it."""
    change = None if before is None else format_change(now.total, before)
    st.metric(
        f"Spend, {period.label}",
        format_figure(now.total, currency),
        change,
        delta_color="inverse",
        delta_description="vs prior" if change else None,
        border=True,
        chart_data=_thin_out(by_day),
        chart_type="area",
        height="stretch",
        help=f"Compared with the previous {_describe_length(period)}." if change else None,
    )


def render_month_to_date(spent: Decimal, by_day: pd.Series, today: date, currency: str) -> None:
    """Spend since the first of the month."""
    st.metric(
        "Month to date",
        format_figure(spent, currency),
        f"day {today.day} of {month_end(today).day}",
        delta_color="off",
        delta_arrow="off",
        border=True,
        chart_data=by_day.cumsum().round(2).tolist(),
        height="stretch",
    )


def accumulate_month(spent_by_day: pd.Series, ahead: pd.DataFrame, today: date) -> pd.Series:
    """Cumulative spend of this month: actual up to today, then predicted."""
    rest = ahead[ahead["date"] <= pd.Timestamp(month_end(today))]
    by_day: pd.Series = pd.concat([spent_by_day, rest.set_index("date")["predicted"]])
    return by_day.cumsum()


def render_month_end(forecast: MonthEnd, currency: str) -> None:
    """The forecast of this month's total, its 80% range, and the chance of exceeding the limit."""
    total, chance = forecast.total, forecast.chance
    bounds = total and format_money_range(total["lower_bound_80"], total["upper_bound_80"], currency)
    with st.container(border=True, height="stretch", gap=None) if chance else nullcontext():
        st.metric(
            "Month end",
            format_figure(total["predicted_cost_usd"], currency) if total else DASH,
            bounds or forecast.absence,
            delta_color="off",
            delta_arrow="off",
            border=not chance,
            chart_data=forecast.cumulative.round(2).tolist() if total else None,
            height="content" if chance else "stretch",
            help="Forecast of this month's total. 80% likely to land in the range below." if total else None,
        )
        if chance:
            st.caption(escape_markdown(f"{chance[0].upper()}{chance[1:]}"))


def render_cost_per_request(now: Spend, unit_costs: pd.Series, currency: str) -> None:
    """Average cost of a metered request; subscriptions and unpriced records are left out."""
    price = now.cost_per_request
    st.metric(
        "Cost per request",
        DASH if price is None else format_unit_price(price, currency),
        "no requests" if price is None else None,
        delta_color="off",
        delta_arrow="off",
        border=True,
        chart_data=unit_costs.tail(SPARK_POINTS).round(6).tolist() or None,
        height="stretch",
    )


def render_top_models(shown: pd.DataFrame, currency: str) -> None:
    """The most expensive models in a frame of daily costs."""
    render_heading("Top models")
    kinds = {
        "model": columns.name("Model", is_pinned=True, most_width=MODEL_WIDTH),
        "cost": columns.money("Cost", currency),
        "share": columns.share("Share"),
        "requests": columns.count("Requests", is_compact=True),
        "trend": columns.trend("Trend"),
    }
    top = top_models(shown, TOP_MODELS)
    render_table(top, kinds, "The most expensive models, with their share, requests and trend", NO_PRICE)


def render_providers(money: pd.DataFrame, labels: dict[str, str], palette: Palette, currency: str) -> None:
    """Spend of each provider in a frame of daily costs."""
    render_heading("Spend by provider")
    colours = charts.series_colours(charts.top_names(money, "provider", palette), palette)
    by_provider = sum_by_provider(money, list(colours))
    st.plotly_chart(
        charts.spend_by_name(by_provider, labels, colours, palette, currency),
        theme=None,
        key="providers",
        config=charts.config(currency),
        alt=charts.describe_totals(by_provider, labels, currency),
    )


def render_notes(now: Spend, currency: str) -> None:
    """Notes on what the totals include and leave out."""
    if now.subscriptions:
        paid = escape_markdown(format_money(now.subscriptions, currency))
        st.caption(f":material/event_repeat: Includes {paid} of subscriptions")
    if now.included:
        worth = escape_markdown(format_money(now.included, currency))
        st.caption(
            f":material/redeem: Subscriptions covered usage worth {worth} at list prices. "
            "Not included in spend."
        )
    if now.unpriced_records:
        verbs = ("has", "is") if now.unpriced_records == 1 else ("have", "are")
        st.caption(
            f":material/help: {plural(now.unpriced_records, 'record')} {verbs[0]} no price yet and "
            f"{verbs[1]} not included in these totals."
        )


def _describe_length(period: Period) -> str:
    days = (period.last - period.first).days + 1 if period.first else 0
    return "day" if days == 1 else f"{days:,} days"


def _thin_out(by_day: pd.Series) -> list[float]:
    """Daily values for a sparkline, or weekly means where there are too many days."""
    if len(by_day) > SPARK_POINTS:
        by_day = by_day.resample("W-MON", closed="left", label="left").mean()
    return [float(cost) for cost in by_day.round(2)]
