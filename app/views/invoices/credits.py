"""Prepaid credits: the balance, the day it ends, and its course."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.dates import format_day, format_short_day
from app.formats.money import format_usd
from app.formats.text import escape_markdown
from app.ui import charts
from app.ui.cards import render_heading
from app.ui.theme import current_palette
from tally.alerts.rules import AlertRules
from tally.core.text import plural
from tally.ledger.credits import Credits, read_credits

REASONS = {
    "empty": "Nothing is left of the known purchases.",
    "few days": "Too few days of usage to tell when the credits end.",
    "unused": "Nothing was used in the last 28 days, so they last until they expire.",
    "far": "At this pace the credits last for more than two years.",
}
SHOWN_DAYS = 90


def render_credits(user: User, today: date) -> None:
    """A card for each provider with prepaid credits."""
    names = {provider.slug: provider.name for provider in data.load_providers(user)}
    found = data.load_credit_facts(user, today)
    rules = data.load_alert_rules(user) if found else None
    for facts in found:
        credits = read_credits(facts, today)
        with st.container(border=True, key=f"credits-{credits.provider}"):
            name = names.get(credits.provider, credits.provider)
            render_heading(f"Prepaid credits, {name}", "A purchase of credits is never counted as usage")
            left, right = st.columns([1, 3], gap="medium")
            with left:
                _render_figures(credits, today)
                if rules and credits.outlook.end:
                    st.caption(describe_alert(rules))
            with right:
                _render_course(credits, today)


def _render_figures(credits: Credits, today: date) -> None:
    outlook, balance = credits.outlook, credits.balance
    st.metric("Balance", format_usd(balance.left))
    if outlook.end:
        st.metric("Lasts until", format_short_day(outlook.end, today))
        st.caption(escape_markdown(describe_range(credits, today)))
    if outlook.daily_usd:
        st.metric("Spent a day", format_usd(outlook.daily_usd))
        st.caption(f"the pace of the last {outlook.counted_days} days, the newest most")
    for sentence in describe_credits(credits):
        st.caption(escape_markdown(sentence))


def describe_range(credits: Credits, today: date) -> str:
    """The 80% range of the last day."""
    early, late = credits.outlook.early, credits.outlook.late
    if early is None:
        return ""
    if late is None:
        return f"{format_short_day(early, today)} or later, 80% range"
    if early == late:
        return "80% range: the same day"
    return f"{format_short_day(early, today)} to {format_short_day(late, today)}, 80% range"


def describe_alert(rules: AlertRules) -> str:
    """A sentence on the alert of the end, which Settings switches."""
    if not rules.credits:
        return "No alert comes before: it is switched off in Settings."
    return f"An alert comes {plural(rules.credit_days, 'day')} before, as set in Settings."


def describe_credits(credits: Credits) -> list[str]:
    """Sentences about what is not certain, expires or is missing."""
    told = [REASONS[credits.outlook.reason]] if credits.outlook.reason else []
    expiry = credits.balance.find_expiry()
    if expiry:
        told.append(f"{format_usd(expiry[1])} expires after {format_day(expiry[0])}.")
    if credits.balance.expired:
        told.append(f"{format_usd(credits.balance.expired)} expired unused.")
    if credits.balance.overdrawn:
        beyond = format_usd(credits.balance.overdrawn)
        told.append(f"{beyond} more was used than these purchases. Add the missing receipts.")
    return told


def _render_course(credits: Credits, today: date) -> None:
    outlook, left = credits.outlook, credits.balance.left
    past = [(day, float(amount)) for day, amount in credits.balance.days[-SHOWN_DAYS:]]
    ahead: Sequence[tuple[date, float]] = [(today, float(left)), (outlook.end, 0.0)] if outlook.end else []
    band = (outlook.early, outlook.late) if outlook.early and outlook.late else None
    st.plotly_chart(
        charts.credit_course(past, ahead, band, current_palette(), "USD"),
        theme=None,
        key=f"credits_{credits.provider}",
        config=charts.config("USD"),
        alt=f"The balance of prepaid credits by day, {format_usd(left)} today.",
    )
