"""The cards of the settings: how data is shown, and the password."""

from collections.abc import Mapping
from zoneinfo import available_timezones

import streamlit as st

from app import data
from app.auth.identity import User, change_password, database_of
from app.figures.currencies import list_currencies
from app.formats.amount_field import show_amount
from app.formats.currency import describe_currency
from app.parts.limits import parse_limit, read_limit, remember_limit
from app.ui.cards import render_heading
from app.ui.notices import announce, render_refusal
from app.ui.periods import PRESET_DAYS, PRESET_LABELS, today_in
from app.ui.theme import THEMES
from tally.accounts.auth_client import MIN_PASSWORD_LENGTH, AuthError
from tally.core.amounts import AmountUnreadable
from tally.storage.database import DatabaseError

# Not places: old spellings and files of the zone database that only machines use.
NO_PLACES = ("Etc/", "posix/", "right/", "SystemV/")


def list_timezones(current: str) -> list[str]:
    """Timezones by name, UTC first; the current one is among them whatever it is."""
    places = {name for name in available_timezones() if "/" in name and not name.startswith(NO_PLACES)}
    return ["UTC", *sorted((places | {current}) - {"UTC"})]


def render_display(user: User, preferences: data.Preferences) -> None:
    """Timezone, currency, theme, first date range, monthly limit, forecast."""
    render_heading("Display")
    browser_zone = st.context.timezone
    zones = list_timezones(preferences.timezone)
    currencies = list_currencies(data.load_rates(user))
    shown, today = data.load_currency(user), today_in(preferences.zone)
    limit = read_limit(preferences, shown, today)
    limit_text = show_amount(limit) if limit else ""
    with st.form("display", border=False):
        with st.grid(5, min_column_width=170, gap="small"):
            timezone = st.selectbox(
                "Timezone",
                zones,
                index=zones.index(preferences.timezone),
                help="Your days begin and end here. After a change, records are regrouped into the new days.",
            )
            currency = st.selectbox(
                "Currency",
                currencies,
                index=currencies.index(shown.code),
                format_func=describe_currency,
                help="Amounts are kept in US dollars. "
                "Each day is shown at the European Central Bank's rate of that day.",
            )
            theme = st.selectbox(
                "Theme", THEMES, index=_place(THEMES, preferences.theme), format_func=str.title
            )
            ranges = list(PRESET_DAYS)
            preset = st.selectbox(
                "First date range",
                ranges,
                index=_place(ranges, preferences.default_range),
                format_func=lambda name: PRESET_LABELS[name].capitalize(),
            )
            typed_limit = st.text_input(
                f"Monthly limit ({shown.code})",
                limit_text,
                placeholder="none",
                help="Overview and Forecast say how likely a month passes it. Nothing is stopped.",
            )
        forecast = st.toggle("Forecast my spend every night", preferences.forecast_enabled)
        is_sent = st.form_submit_button("Save", type="primary")
    is_elsewhere = browser_zone in zones and browser_zone != preferences.timezone
    if is_elsewhere and st.button(
        f"Use this browser's timezone, {browser_zone}", type="tertiary", icon=":material/schedule:"
    ):
        save_preferences(user, timezone=browser_zone)
    if is_sent:
        try:
            # A limit that was not touched stays as it is: converted there and back it would drift.
            changed = parse_limit(typed_limit, shown, today) if typed_limit != limit_text else {}
        except AmountUnreadable as unreadable:
            render_refusal(unreadable)
            return
        save_preferences(
            user,
            remember_limit(typed_limit, shown) if changed else {},
            **changed,
            timezone=timezone,
            currency=currency,
            theme=theme,
            default_date_range=preset.lower(),
            forecast_enabled=forecast,
        )


def save_preferences(user: User, remembered: Mapping[str, object] | None = None, **values: object) -> None:
    """Save the changed preferences and what is to be remembered beside them, and show the page with them."""
    try:
        # A person who chose UTC is not asked about the browser's timezone again.
        metadata = data.load_preference_metadata(user) | {"timezone_set": True, **(remembered or {})}
        database = database_of(user)
        database.update("user_preferences", user.user_id, {**values, "metadata": metadata}, key="user_id")
    except DatabaseError as problem:
        render_refusal(problem)
        return
    data.forget_version(user)
    announce("Saved.")
    st.rerun()


def render_password(user: User) -> None:
    """Change the password; other browsers are signed out."""
    render_heading("Password")
    st.caption("Other browsers in which you are signed in will be signed out.")
    with st.form("password", border=False):
        with st.grid(3, min_column_width=180, gap="small"):
            current = st.text_input("Current password", type="password", autocomplete="current-password")
            new = st.text_input("New password", type="password", autocomplete="new-password")
            again = st.text_input("New password again", type="password", autocomplete="new-password")
        is_sent = st.form_submit_button("Change password")
    if not is_sent:
        return
    if problem := _find_password_problem(current, new, again):
        render_refusal(problem)
        return
    try:
        change_password(user, current, new)
    except AuthError as refused:
        render_refusal(refused)
        return
    announce("Your password is changed. Other browsers are signed out.")
    st.rerun()


def _find_password_problem(current: str, new: str, again: str) -> str:
    if not current:
        return "Type your current password as well."
    if len(new) < MIN_PASSWORD_LENGTH:
        return f"The new password must have at least {MIN_PASSWORD_LENGTH} characters."
    if new != again:
        return "The new password and its repetition differ."
    return ""


def _place(options: "list[str] | tuple[str, ...]", current: str) -> int:
    return options.index(current) if current in options else 0
