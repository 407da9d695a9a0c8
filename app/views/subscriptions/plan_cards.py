"""Cards, chart and table of what plans cost and what they were worth."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd
import streamlit as st

from app.figures.plan_worth import PlanMonth, sum_months
from app.formats.money import format_money
from app.formats.text import DASH, escape_markdown
from app.ui import charts
from app.ui.cards import render_heading
from app.ui.theme import current_palette
from tally.core.text import plural

COLUMN = st.column_config
COLUMNS = {
    "Paid": COLUMN.TextColumn("Paid", alignment="right", help="Of a yearly plan, a twelfth each month"),
    "Worth": COLUMN.TextColumn("Worth", alignment="right", help="What it covered, at list prices"),
    "Paid off": COLUMN.TextColumn("Paid off", alignment="right", help="Worth divided by price"),
    "No price": COLUMN.NumberColumn("No price", format="localized", help="Records without a price"),
}
TIMES = "\N{MULTIPLICATION SIGN}"
NOT_ENTERED = "You have not entered what this plan costs."
NOT_PAID = "None of its renewals fell into these months."
NO_USAGE = "No usage data of this plan yet."


def format_factor(factor: Decimal | None) -> str:
    """How often a plan paid for itself, as in 2.1 times."""
    if factor is None:
        return DASH
    step = Decimal("0.1") if factor < 10 else Decimal(1)
    return f"{factor.quantize(step, rounding=ROUND_HALF_UP)}{TIMES}"


def name_plan(month: PlanMonth, providers: Mapping[str, str]) -> str:
    """The plans by their names, or their provider's where none was entered."""
    return ", ".join(sorted(month.plans)) or providers.get(month.provider, month.provider)


def render_plan(
    months: Sequence[PlanMonth], providers: Mapping[str, str], currency: str, is_entered: bool
) -> None:
    """One plan's card: what it cost and was worth in the last months, and what is not known about it."""
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
            st.caption(escape_markdown(f"What it covered is worth {worth} at list prices."))
        if not total.paid and is_entered:
            st.caption(NOT_PAID)
        elif not total.paid:
            st.caption(NOT_ENTERED)
            st.page_link(
                "views/add_entry/page.py",
                label="Enter it",
                icon=":material/add_card:",
                query_params={"kind": "Subscription"},
            )
        elif not total.has_usage:
            st.caption(escape_markdown(f"{NO_USAGE} It cost {format_money(total.paid, currency)}."))
        if total.unpriced_records:
            st.caption(f"Without a price, and not in its worth: {plural(total.unpriced_records, 'record')}.")


def render_chart(months: Sequence[PlanMonth], currency: str) -> None:
    """Paid and worth of each month, of all plans or of the chosen one."""
    frame = pd.DataFrame(
        {
            "month": [pd.Timestamp(month.month) for month in months],
            "Worth": [float(month.worth) for month in months],
            "Paid": [float(month.paid) for month in months],
        }
    )
    by_month = frame.groupby("month").sum().sort_index()
    st.plotly_chart(
        charts.pairs(by_month, current_palette(), currency, is_monthly=True),
        theme=None,
        key="plan_months",
        config=charts.config(currency),
        alt="Bars of each month: what the plans were worth and what they cost.",
    )


def render_months(months: Sequence[PlanMonth], providers: Mapping[str, str], currency: str) -> None:
    """Every month of every plan, the newest first."""
    lines = [
        {
            "Month": f"{month.month:%b %Y}",
            "Plan": name_plan(month, providers),
            "Paid": format_money(month.paid, currency) if month.paid else None,
            "Worth": format_money(month.worth, currency) if month.has_usage else None,
            "Paid off": format_factor(month.factor),
            "No price": month.unpriced_records or None,
        }
        for month in months
    ]
    frame = pd.DataFrame(lines)
    render_heading("Month by month", "this month so far")
    st.dataframe(
        frame if frame["No price"].notna().any() else frame.drop(columns="No price"),
        hide_index=True,
        height=460 if len(frame) > 12 else "content",
        column_config=COLUMNS,
        placeholder=DASH,
        alt="What each plan cost and was worth, newest month first",
    )
