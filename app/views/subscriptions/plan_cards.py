"""Cards, chart and table of what plans cost and the value of the usage they covered."""

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from app.figures.plan_worth import PlanMonth, sum_months
from app.formats.counts import format_factor
from app.formats.dates import format_month
from app.formats.money import format_money
from app.formats.text import escape_markdown
from app.ui import charts, columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_lines
from app.ui.theme import current_palette
from tally.core.text import plural

NOT_ENTERED = "This plan's price is missing."
NOT_PAID = "No renewal in this period."
NO_USAGE = "No usage data for this plan yet."


def name_plan(month: PlanMonth, providers: Mapping[str, str]) -> str:
    """The names of the plans, or the provider's name where no plan was entered."""
    return ", ".join(sorted(month.plans)) or providers.get(month.provider, month.provider)


def render_plan(
    months: Sequence[PlanMonth],
    providers: Mapping[str, str],
    currency: str,
    is_entered: bool,
    may_write: bool,
) -> bool:
    """The card of one provider's plans: value vs price, or the data that is missing to compare them.

    Returns True if the button that enters the plan was pressed.
    """
    is_asked = False
    total = sum_months(months)
    with st.container(border=True, height="stretch"):
        st.metric(
            escape_markdown(name_plan(total, providers)),
            format_factor(total.factor),
            None
            if total.factor is None
            else f"{format_money(total.worth, currency)} for {format_money(total.paid, currency)}",
            delta_color="off",
            delta_arrow="off",
        )
        if not total.paid and total.worth:
            worth = format_money(total.worth, currency)
            st.caption(escape_markdown(f"Covered usage worth {worth} at list prices."))
        if not total.paid and is_entered:
            st.caption(NOT_PAID)
        elif not total.paid:
            st.caption(NOT_ENTERED)
            is_asked = st.button(
                "Add subscription",
                icon=":material/add_card:",
                key=f"enter-{total.provider}",
                disabled=not may_write,
            )
        elif not total.has_usage:
            st.caption(escape_markdown(f"{NO_USAGE} It cost {format_money(total.paid, currency)}."))
        if total.unpriced_records:
            st.caption(f"Excludes {plural(total.unpriced_records, 'record')} without a price.")
    return is_asked


def draw_chart(months: Sequence[PlanMonth], currency: str) -> None:
    """Price and value of each month, for all plans or the chosen one."""
    frame = pd.DataFrame(
        {
            "month": [pd.Timestamp(month.month) for month in months],
            "Value": [float(month.worth) for month in months],
            "Paid": [float(month.paid) for month in months],
        }
    )
    by_month = frame.groupby("month").sum().sort_index()
    st.plotly_chart(
        charts.pairs(by_month, current_palette(), currency, is_monthly=True),
        theme=None,
        key="plan_months",
        config=charts.config(currency),
        alt="Bars of each month: value and price of the plans.",
    )


def describe_month(month: PlanMonth, providers: Mapping[str, str], currency: str) -> Line:
    """A row of the table as a line."""
    told = [f"{format_factor(month.factor)} value vs price"] if month.factor is not None else []
    told += [f"paid {format_money(month.paid, currency)}"] if month.paid else []
    told += [f"value {format_money(month.worth, currency)}"] if month.has_usage else []
    told += [f"{plural(month.unpriced_records, 'record')} without a price"] if month.unpriced_records else []
    return Line(f"{format_month(month.month)}, {name_plan(month, providers)}", " \N{MIDDLE DOT} ".join(told))


def render_months(months: Sequence[PlanMonth], providers: Mapping[str, str], currency: str) -> None:
    """All months of all plans, newest first."""
    lines = [
        {
            "month": month.month,
            "plan": name_plan(month, providers),
            "paid": month.paid or None,
            "value": month.worth if month.has_usage else None,
            "factor": month.factor,
            "unpriced": month.unpriced_records or None,
        }
        for month in months
    ]
    kinds = {
        "month": columns.day("Month", format_month),
        "plan": columns.name("Plan"),
        "paid": columns.money("Paid", currency, "One twelfth of a yearly price per month"),
        "value": columns.money("Value", currency, "Covered usage at list prices"),
        "factor": columns.number("Value vs price", format_factor),
        "unpriced": columns.count("No price", "Records without a price"),
    }
    frame = pd.DataFrame(lines, columns=list(kinds), dtype=object)
    render_heading("By month", "this month is incomplete")
    render_lines(
        frame if frame["unpriced"].notna().any() else frame.drop(columns="unpriced"),
        kinds,
        "Price and value of each plan, newest month first",
        "plan_months_list",
        [describe_month(month, providers, currency) for month in months],
    )
