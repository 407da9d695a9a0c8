"""Currency, time zone and monthly limit of a new account, asked once."""

from datetime import date
from decimal import Decimal

import streamlit as st
from babel import Locale, UnknownLocaleError
from babel.numbers import get_territory_currencies

from app import data
from app.auth.identity import User
from app.data import changes
from app.figures.currencies import list_currencies
from app.formats.amount_field import read_limit_amount
from app.formats.currency import describe_currency
from app.parts.timezones import list_timezones
from app.ui.notices import announce, explain_refusal, render_refusal
from tally.core.amounts import AmountUnreadable

LIMIT_NAME = "Everything"


def guess_currency(locale: str | None, offered: list[str], today: date) -> str:
    """The currency of the browser's country; US dollars where it is unknown or has no rates."""
    try:
        territory = Locale.parse(locale or "", sep="-").territory
    except (UnknownLocaleError, ValueError):
        return "USD"
    current = get_territory_currencies(territory, today, today) if territory else []
    return next((code for code in current if code in offered), "USD")


def render_defaults(user: User, today: date) -> None:
    """The form, until it was saved."""
    preferences = data.load_preferences(user)
    if preferences.metadata.get("defaults_set"):
        return
    zones, currencies = list_timezones(preferences.timezone), list_currencies(data.load_rates(user))
    chosen = preferences.currency
    if chosen == "USD":
        chosen = guess_currency(st.context.locale, currencies, today)
    with st.container(border=True):
        st.subheader("Your defaults", anchor=False)
        st.caption("Taken from your browser. You can change them in Settings at any time.")
        with st.form("defaults", border=False):
            with st.grid(3, min_column_width=140, gap="small"):
                currency = st.selectbox(
                    "Currency",
                    currencies,
                    currencies.index(chosen),
                    format_func=describe_currency,
                    key="default-currency",
                )
                timezone = st.selectbox(
                    "Time zone", zones, zones.index(preferences.timezone), key="default-timezone"
                )
                limit = st.text_input(
                    "Monthly budget, optional", max_chars=40, placeholder="600", key="default-limit"
                )
            is_sent = st.form_submit_button("Save defaults")
        if is_sent:
            _save(user, currency, timezone, limit)


@explain_refusal
def _save(user: User, currency: str, timezone: str, limit: str) -> None:
    amount: Decimal | None = None
    if limit.strip():
        try:
            amount = read_limit_amount(limit, "cost")
        except AmountUnreadable as unreadable:
            render_refusal(unreadable)
            return
    if amount is not None and not data.load_month_limits(user):
        columns = {**data.WHOLE_MONTH, "name": LIMIT_NAME, "amount": f"{amount:f}", "currency": currency}
        data.create_budget(user, data.BudgetDraft(columns, data.USUAL_THRESHOLDS))
    changes.save_preferences(user, {"currency": currency, "timezone": timezone}, {"defaults_set": True})
    announce("Saved. A budget tells you when the month is likely to exceed it." if amount else "Saved.")
    st.rerun()
