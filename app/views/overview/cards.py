"""The cards of the overview."""

from contextlib import nullcontext
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from app.figures.outlook import month_end
from app.figures.spend import Spend, top_models
from app.formats.counts import format_change
from app.formats.money import NO_PRICE, format_figure, format_money, format_money_range, format_unit_price
from app.formats.text import DASH, escape_markdown
from app.ui.cards import name_width, render_heading, with_money
from app.ui.periods import Period
from tally.core.text import plural

SPARK_POINTS = 90
TOP_MODELS = 10


def render_spend(
    period: Period, now: Spend, before: Decimal | None, by_day: pd.Series, currency: str
) -> None:
    """Money spent in the period, against as many days before."""
    change = None if before is None else format_change(now.total, before)
    st.metric(
        f"Spend, {period.label}",
        format_figure(now.total, currency),
        change,
        delta_color="inverse",
        delta_description="vs before" if change else None,
        border=True,
        chart_data=_spark(by_day),
        chart_type="area",
        height="stretch",
    )


def render_month_to_date(spent: Decimal, by_day: pd.Series, today: date, currency: str) -> None:
    """Money spent since the first of the month."""
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


def render_month_end(
    total: dict[str, Any] | None,
    absence: str,
    month_by_day: pd.Series,
    ahead: pd.DataFrame,
    today: date,
    currency: str,
    chance: str | None,
) -> None:
    """What the month will end at, with its 80% range and the chance of a limit; or why nobody can say yet."""
    until = ahead[ahead["date"] <= pd.Timestamp(month_end(today))]
    path = pd.concat([month_by_day, until.set_index("date")["predicted"]]).cumsum()
    bounds = total and format_money_range(total["lower_bound_80"], total["upper_bound_80"], currency)
    with st.container(border=True, height="stretch", gap=None) if chance else nullcontext():
        st.metric(
            "Month end",
            format_figure(total["predicted_cost_usd"], currency) if total else DASH,
            bounds or absence,
            delta_color="off",
            delta_arrow="off",
            border=not chance,
            chart_data=path.round(2).tolist() if total else None,
            height="content" if chance else "stretch",
            help="Forecast of this month's total. In 4 months of 5 it ends inside the range below."
            if total
            else None,
        )
        if chance:
            st.caption(escape_markdown(f"{chance[0].upper()}{chance[1:]}"))


def render_cost_per_request(now: Spend, unit_costs: pd.Series, currency: str) -> None:
    """What one metered request costs; subscriptions and unpriced records are left out."""
    price = now.cost_per_request
    st.metric(
        "Cost per request",
        DASH if price is None else format_unit_price(price, currency),
        "no requests counted" if price is None else None,
        delta_color="off",
        delta_arrow="off",
        border=True,
        chart_data=unit_costs.tail(SPARK_POINTS).round(6).tolist() or None,
        height="stretch",
    )


def render_top_models(shown: pd.DataFrame, currency: str) -> None:
    """The models that cost most in a frame of daily costs."""
    render_heading("Top models")
    column = st.column_config
    top = top_models(shown, TOP_MODELS)
    st.dataframe(
        with_money(top[["model", "cost", "share", "requests", "trend"]], "cost", currency, NO_PRICE),
        hide_index=True,
        height="content",
        row_height=38,
        placeholder=NO_PRICE,
        alt="The models that cost most, with their share, requests and trend",
        column_config={
            "model": column.TextColumn("Model", pinned=True, width=name_width(top["model"])),
            "cost": column.NumberColumn("Cost"),
            "share": column.ProgressColumn(
                "Share", format="%.0f%%", min_value=0, max_value=100, color="primary"
            ),
            "requests": column.NumberColumn("Requests", format="compact"),
            "trend": column.AreaChartColumn("Trend", width="small"),
        },
    )


def render_notes(now: Spend, currency: str) -> None:
    """What the totals hold and what they leave out."""
    if now.subscriptions:
        paid = format_money(now.subscriptions, currency).replace("$", r"\$")
        st.caption(f":material/event_repeat: {paid} of it are subscriptions")
    if now.included:
        worth = format_money(now.included, currency).replace("$", r"\$")
        st.caption(
            f":material/redeem: Subscriptions covered usage worth {worth} at list prices. It is not added."
        )
    if now.unpriced_records:
        has = "has" if now.unpriced_records == 1 else "have"
        st.caption(
            f":material/help: {plural(now.unpriced_records, 'record')} {has} no price yet and "
            f"{'is' if now.unpriced_records == 1 else 'are'} not in these totals."
        )


def _spark(by_day: pd.Series) -> list[float]:
    shown = (
        by_day
        if len(by_day) <= SPARK_POINTS
        else by_day.resample("W-MON", closed="left", label="left").mean()
    )
    return [float(cost) for cost in shown.round(2)]
