"""Settings card: display preferences."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User, database_of
from app.figures.currencies import list_currencies
from app.formats.amount_field import show_amount
from app.formats.currency import describe_currency
from app.parts.limits import parse_limit, read_limit, remember_limit
from app.parts.timezones import list_timezones
from app.ui.cards import render_heading
from app.ui.notices import announce, explain_refusal, render_refusal
from app.ui.periods import PRESET_DAYS, PRESET_LABELS, today_in
from app.ui.theme import THEMES
from tally.core.amounts import AmountUnreadable


@dataclass(frozen=True, slots=True)
class DisplayFields:
    """The values of the form."""

    timezone: str
    currency: str
    theme: str
    preset: str
    limit: str
    is_forecast_enabled: bool


def render_display(user: User, preferences: data.Preferences) -> None:
    """Time zone, currency, theme, default date range, monthly limit, forecast."""
    render_heading("Display")
    currency, today = data.load_currency(user), today_in(preferences.zone)
    limit = read_limit(preferences, currency, today)
    limit_text = show_amount(limit) if limit else ""
    with st.form("display", border=False):
        fields = _render_fields(
            preferences, list_currencies(data.load_rates(user)), currency.code, limit_text
        )
        is_sent = st.form_submit_button("Save settings", type="primary")
    _offer_browser_timezone(user, preferences)
    if not is_sent:
        return
    try:
        # An unchanged limit is not saved: converting it back and forth would make it drift.
        changed = parse_limit(fields.limit, currency, today) if fields.limit != limit_text else {}
    except AmountUnreadable as unreadable:
        render_refusal(unreadable)
        return
    save_preferences(
        user,
        remember_limit(fields.limit, currency) if changed else {},
        **changed,
        timezone=fields.timezone,
        currency=fields.currency,
        theme=fields.theme,
        default_date_range=fields.preset.lower(),
        forecast_enabled=fields.is_forecast_enabled,
    )


def _render_fields(
    preferences: data.Preferences, currencies: list[str], currency: str, limit: str
) -> DisplayFields:
    zones = list_timezones(preferences.timezone)
    with st.grid(5, min_column_width=170, gap="small"):
        timezone = st.selectbox(
            "Time zone",
            zones,
            index=zones.index(preferences.timezone),
            help="Defines when your days start and end. Changing it regroups your records by day.",
        )
        chosen_currency = st.selectbox(
            "Currency",
            currencies,
            index=currencies.index(currency),
            format_func=describe_currency,
            help="Amounts are stored in US dollars and converted at each day's European Central Bank rate.",
        )
        theme = st.selectbox("Theme", THEMES, index=_index(THEMES, preferences.theme), format_func=str.title)
        presets = list(PRESET_DAYS)
        preset = st.selectbox(
            "Default date range",
            presets,
            index=_index(presets, preferences.default_range),
            format_func=lambda name: PRESET_LABELS[name].capitalize(),
        )
        typed_limit = st.text_input(
            f"Monthly limit ({currency})",
            limit,
            placeholder="No limit",
            help="Overview and Forecast show the chance of exceeding it. This doesn't block spending.",
        )
    is_enabled = st.toggle("Update forecasts every night", preferences.forecast_enabled)
    return DisplayFields(timezone, chosen_currency, theme, preset, typed_limit, is_enabled)


def _offer_browser_timezone(user: User, preferences: data.Preferences) -> None:
    zone = st.context.timezone
    if zone not in list_timezones(preferences.timezone) or zone == preferences.timezone:
        return
    label = f"Use your browser's time zone ({zone})"
    if st.button(label, type="tertiary", icon=":material/schedule:"):
        save_preferences(user, timezone=zone)


@explain_refusal
def save_preferences(user: User, metadata: Mapping[str, object] | None = None, **values: object) -> None:
    """Save changed preferences and their metadata, then rerun the page."""
    # A chosen UTC must not be replaced by the browser's time zone.
    merged = data.load_preference_metadata(user) | {"timezone_set": True, **(metadata or {})}
    database = database_of(user)
    database.update("user_preferences", user.user_id, {**values, "metadata": merged}, key="user_id")
    for shown in (user, identity.current_user()):  # the workspace that is open may be another one
        data.forget_version(shown)
    announce("Settings saved.")
    st.rerun()


def _index(options: "list[str] | tuple[str, ...]", current: str) -> int:
    return options.index(current) if current in options else 0
