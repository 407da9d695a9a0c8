"""The fields of a budget: limit, period, thresholds at which people want to know, and channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from app import data
from app.figures.channels import Channel
from app.formats.amount_field import read_limit_amount, show_amount
from app.formats.currency import describe_currency
from app.parts.currencies import list_budget_currencies
from tally.budgets.budget import Budget
from tally.core.amounts import AmountUnreadable

PERIODS = {"day": "Day", "week": "Week", "month": "Month", "quarter": "Quarter", "year": "Year"}
MEASURES = {"cost": "Money", "tokens": "Tokens"}
MAX_PERCENT, MAX_THRESHOLDS = 1000, 10
OFFERED = ("50", "75", "80", "90", "100", "120")
ALL_HINT = "All active channels"


def list_usual(kind: str) -> tuple[int, ...]:
    """The percents that a new budget has."""
    return tuple(percent for known, percent in data.USUAL_THRESHOLDS if known == kind)


@dataclass(frozen=True, slots=True)
class Start:
    """The values that a form begins with."""

    measure: str = "cost"
    amount: str = ""
    currency: str = "USD"
    period: str = "month"
    starts_on_day: int = 1
    counts_subscriptions: bool = True
    counts_tax: bool = True
    actual: tuple[int, ...] = list_usual("actual")
    forecast: tuple[int, ...] = list_usual("forecast")
    channels: tuple[str, ...] = ()


def start_from(budget: Budget) -> Start:
    """The values of a budget."""
    percents = {
        kind: tuple(sorted(found.percent for found in budget.thresholds if found.kind == kind))
        for kind in ("actual", "forecast")
    }
    return Start(
        budget.measure,
        show_amount(budget.amount).removesuffix(".00") if budget.measure == "cost" else f"{budget.amount:f}",
        budget.currency,
        budget.period_kind,
        budget.starts_on_day,
        budget.counts_subscriptions,
        budget.counts_tax,
        percents["actual"],
        percents["forecast"],
        budget.channels,
    )


def render_limit(start: Start, key: str) -> dict[str, Any]:
    """Amount, currency and period; the amount is text as typed."""
    with st.grid(2, min_column_width=130, gap="small"):
        amount = st.text_input("Limit", start.amount, max_chars=40, placeholder="600", key=f"{key}-amount")
        measure = st.selectbox(
            "Of",
            list(MEASURES),
            list(MEASURES).index(start.measure),
            format_func=MEASURES.__getitem__,
            key=f"{key}-measure",
        )
        currencies = list_budget_currencies()
        currency = st.selectbox(
            "Currency",
            currencies,
            currencies.index(start.currency) if start.currency in currencies else 0,
            format_func=describe_currency,
            key=f"{key}-currency",
            disabled=measure == "tokens",
        )
        period = st.selectbox(
            "Each",
            list(PERIODS),
            list(PERIODS).index(start.period),
            format_func=PERIODS.__getitem__,
            key=f"{key}-period",
        )
        day = st.number_input(
            "From day",
            1,
            28,
            start.starts_on_day,
            key=f"{key}-day",
            help="Of a month: the day of your bill, for example.",
        )
    subscriptions = st.checkbox("Count subscriptions", start.counts_subscriptions, key=f"{key}-subscriptions")
    tax = st.checkbox("Count tax", start.counts_tax, key=f"{key}-tax")
    return {
        "amount": amount,
        "measure": measure,
        "currency": currency,
        "period": period,
        "starts_on_day": int(day) if period == "month" else 1,
        "counts_subscriptions": subscriptions,
        "counts_tax": tax,
    }


def render_thresholds(start: Start, key: str) -> dict[str, list[str]]:
    """The percents of the limit at which people want to know, as typed."""
    return {
        "actual": _ask_percents("Tell me when this much is spent (%)", start.actual, f"{key}-actual"),
        "forecast": _ask_percents(
            "Tell me when it will likely end above (%)", start.forecast, f"{key}-forecast"
        ),
    }


def _ask_percents(label: str, percents: Sequence[int], key: str) -> list[str]:
    chosen = [str(percent) for percent in percents]
    return st.multiselect(
        label,
        sorted({*OFFERED, *chosen}, key=int),
        chosen,
        accept_new_options=True,
        placeholder="Never",
        max_selections=MAX_THRESHOLDS,
        key=key,
    )


def render_channels(channels: Sequence[Channel], start: Start, key: str) -> list[str]:
    """The channels that hear of the budget; none stands for all."""
    if not channels:
        st.caption("No channels yet. Add one under Settings to hear of this budget.")
        return []
    names = {channel.channel_id: channel.name for channel in channels}
    known = [channel for channel in start.channels if channel in names]
    return st.multiselect(
        "Channels",
        list(names),
        known,
        format_func=names.__getitem__,
        placeholder=ALL_HINT,
        key=f"{key}-channels",
    )


def read_draft(
    limit: dict[str, Any], thresholds: dict[str, list[str]], channels: Sequence[str]
) -> data.BudgetDraft:
    """The budget to save; raises AmountUnreadable with a sentence for the user."""
    amount = read_limit_amount(limit["amount"], limit["measure"])
    read = tuple((kind, _read_percent(text)) for kind, texts in thresholds.items() for text in texts)
    if len(set(read)) > MAX_THRESHOLDS:
        raise AmountUnreadable(f"A budget can have {MAX_THRESHOLDS} thresholds at most. Remove one.")
    return data.BudgetDraft({**limit, "amount": f"{amount:f}"}, tuple(dict.fromkeys(read)), tuple(channels))


def _read_percent(text: str) -> int:
    plain = text.strip().removesuffix("%").strip()
    if not plain.isascii() or not plain.isdigit() or not 1 <= int(plain) <= MAX_PERCENT:
        raise AmountUnreadable(f"Thresholds are whole percents from 1 to {MAX_PERCENT}.")
    return int(plain)
