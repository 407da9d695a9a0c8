"""The what-if card: predicted totals if one model is used more or less."""

from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from app.auth import identity
from app.data import ForecastSeries
from app.figures import outlook, what_if
from app.figures.what_if import Outcome
from app.formats.money import format_figure, format_money, format_money_range
from app.formats.text import escape_markdown
from app.ui import cards

PERIODS = {"Month end": "month_end", "Next 30 days": "next_30_days"}
SHARE_DAYS = 28


@st.fragment
def render_what_if(
    totals: pd.DataFrame, ahead: pd.DataFrame, shares: dict[str, Decimal], today: date, currency: str
) -> None:
    """Ask for a model and a change in usage, and show the new totals; `ahead` is the forecast from today."""
    identity.current_user()
    with st.container(border=True, key="what_if"):
        cards.render_heading("What if", "Change how much you use a model")
        with st.grid(2, min_column_width=260, gap="medium"):
            model = st.selectbox("Model", list(shares), key="what_if_model")
            percent = st.slider("Change in usage", -100, 200, 0, 5, format="%+d%%", key="what_if_change")
        parts = []
        with st.grid(2, min_column_width=cards.card_width(currency), gap="small"):
            for label, kind in PERIODS.items():
                total = outlook.find_total(totals, ForecastSeries(), kind, today)
                if total is None:
                    continue
                own = outlook.find_total(totals, ForecastSeries(None, model), kind, today)
                renewals = _sum_renewals(ahead, total["period_end"])
                part = what_if.predict_part(own, total, renewals, shares[model])
                outcome = what_if.change_usage(total, renewals, part, Decimal(percent) / 100)
                _render_outcome(label, outcome, total, currency)
                parts.append((part, own is not None))
        if parts:
            st.caption(escape_markdown(_explain(model, *parts[-1], currency)))


def _render_outcome(label: str, outcome: Outcome, total: dict[str, Any], currency: str) -> None:
    difference = outcome.predicted - total["predicted_cost_usd"]
    st.metric(
        label,
        format_figure(outcome.predicted, currency),
        format_money(difference, currency) if difference else None,
        delta_color="inverse",
        delta_description=format_money_range(outcome.lower_80, outcome.upper_80, currency),
        border=True,
        height="stretch",
    )


def _explain(model: str, part: Decimal, has_own: bool, currency: str) -> str:
    """The assumption behind the totals."""
    if part <= 0:
        return (
            f"Used in the last {SHARE_DAYS} days, but so rarely that the forecast of {model} is $0 for the "
            "next 30 days: a change of its usage has no effect."
        )
    cost = format_money(part, currency)
    source = "its own forecast" if has_own else f"its share of spend in the last {SHARE_DAYS} days"
    return (
        f"Based on {source}, {model} will cost {cost} in the next 30 days. Only that part and its share of "
        "the range change; other models, subscriptions and past spend stay the same."
    )


def _sum_renewals(ahead: pd.DataFrame, last_day: date) -> Decimal:
    renewing = ahead.loc[ahead["date"].dt.date <= last_day, "renewals"].sum()
    return Decimal(str(round(float(renewing), 10)))
