"""The what-if card: predicted totals if one model is used more or less, or gives way to another."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data import ForecastSeries
from app.figures import outlook, what_if
from app.figures.model_switch import compare_models, list_targets, read_requests
from app.figures.what_if import Outcome
from app.formats.money import format_figure, format_money, format_money_range
from app.formats.text import escape_markdown
from app.ui import cards
from tally.core.text import plural

PERIODS = {"Month end": "month_end", "Next 30 days": "next_30_days"}
SHARE_DAYS = 28
KINDS = ("Use more or less", SWITCH := "Switch model")


@dataclass(frozen=True, slots=True)
class Usage:
    """Recent usage: each model's share of spend, largest first, and its provider."""

    shares: Mapping[str, Decimal]
    providers: Mapping[str, str]  # slugs


@st.fragment
def render_what_if(
    totals: pd.DataFrame, ahead: pd.DataFrame, usage: Usage, today: date, currency: str
) -> None:
    """Ask for a model and a change, and show the new totals; `ahead` is the forecast from today."""
    user = identity.current_user()
    with st.container(border=True, key="what_if"):
        cards.render_heading("What if", "Change how much you use a model, or switch to another one")
        kind = st.segmented_control(
            "Change", KINDS, default=KINDS[0], required=True, key="what_if_kind", label_visibility="collapsed"
        )
        with st.grid(3 if kind == SWITCH else 2, min_column_width=220, gap="medium"):
            model = st.selectbox("Model", list(usage.shares), key="what_if_model")
            if kind == SWITCH:
                change, said = _ask_switch(user, model, usage)
            else:
                change, said = _ask_change(), ""
        parts = []
        with st.grid(2, min_column_width=cards.card_width(currency), gap="small"):
            for label, total_kind in PERIODS.items():
                total = outlook.find_total(totals, ForecastSeries(), total_kind, today)
                if total is None:
                    continue
                own = outlook.find_total(totals, ForecastSeries(None, model), total_kind, today)
                renewals = _sum_renewals(ahead, total["period_end"])
                part = what_if.predict_part(own, total, renewals, usage.shares[model])
                outcome = what_if.change_usage(total, renewals, part, change)
                _render_outcome(label, outcome, total, currency)
                parts.append((part, own is not None))
        if said:
            st.caption(escape_markdown(said))
        if parts:
            st.caption(escape_markdown(_explain(model, *parts[-1], currency)))


def _ask_change() -> Decimal:
    percent = st.slider("Change in usage", -100, 200, 0, 5, format="%+d%%", key="what_if_change")
    return Decimal(percent) / 100


def _ask_switch(user: User, model: str, usage: Usage) -> tuple[Decimal, str]:
    """The change of the model's cost if requests move to another model, and where it comes from."""
    prices = data.load_workspace_prices(user)
    targets = list_targets(usage.providers, prices, model)
    target = st.selectbox("Switch to", list(targets), key=f"what_if_target_{model}")
    percent = st.slider("Moved requests", 0, 100, 100, 5, format="%d%%", key="what_if_moved")
    slugs = {provider.provider_id: provider.slug for provider in data.load_providers(user)}
    requests = read_requests(data.load_newest_requests(user, model), slugs)
    switch = compare_models(requests, targets[target], target, prices, datetime.now(UTC))
    if switch is None:
        return Decimal(0), (
            f"{model} and {target} cannot be compared: one of them has no price, or no tokens are known. "
            "Add a price under Prices."
        )
    return Decimal(percent) / 100 * (switch.ratio - 1), (
        f"By list prices and your own, the last {plural(switch.requests, 'request')} of {model} cost "
        f"{switch.ratio:.0%} as much on {target}, with as many tokens."
    )


def _render_outcome(label: str, outcome: Outcome, total: dict[str, Any], currency: str) -> None:
    difference = outcome.predicted - total["predicted_cost_usd"]
    st.metric(
        label,
        format_figure(outcome.predicted, currency),
        format_money(difference, currency) if difference else None,
        delta_color="red" if difference > 0 else "green",
        delta_arrow="up" if difference > 0 else "down",
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
