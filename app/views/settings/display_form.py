"""Settings card: display preferences."""

from dataclasses import dataclass

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data import changes
from app.figures.currencies import list_currencies
from app.formats.currency import describe_currency
from app.parts.timezones import list_timezones
from app.ui.cards import render_heading
from app.ui.navigation import switch_page
from app.ui.notices import explain_refusal
from app.ui.periods import PRESET_DAYS, PRESET_LABELS, THIS_MONTH
from app.ui.theme import THEMES
from app.views.settings.card import announce_in


@dataclass(frozen=True, slots=True)
class DisplayFields:
    """The values of the form."""

    timezone: str
    currency: str
    theme: str
    preset: str
    is_forecast_enabled: bool


def render_display(user: User, preferences: data.Preferences) -> None:
    """Time zone, currency, theme, default date range, forecast; the way to budgets."""
    render_heading("Display")
    currency = data.load_currency(user)
    with st.form("display", border=False):
        fields = _render_fields(preferences, list_currencies(data.load_rates(user)), currency.code)
        is_sent = st.form_submit_button("Save settings", type="primary")
    _offer_browser_timezone(user, preferences)
    label = "Set a limit on the Budgets page"
    if st.button(label, type="tertiary", icon=":material/savings:", key="open_budgets"):
        switch_page("budgets")
    if not is_sent:
        return
    _save(
        user,
        timezone=fields.timezone,
        currency=fields.currency,
        theme=fields.theme,
        default_date_range=fields.preset.lower(),
        forecast_enabled=fields.is_forecast_enabled,
    )


def _render_fields(preferences: data.Preferences, currencies: list[str], currency: str) -> DisplayFields:
    zones = list_timezones(preferences.timezone)
    with st.grid(4, min_column_width=170, gap="small"):
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
        presets = [THIS_MONTH, *PRESET_DAYS]
        preset = st.selectbox(
            "Default date range",
            presets,
            index=_index(presets, preferences.default_range),
            format_func=lambda name: (PRESET_LABELS.get(name) or THIS_MONTH).capitalize(),
        )
    is_enabled = st.toggle("Update forecasts", preferences.forecast_enabled)
    return DisplayFields(timezone, chosen_currency, theme, preset, is_enabled)


def _offer_browser_timezone(user: User, preferences: data.Preferences) -> None:
    zone = st.context.timezone
    if zone not in list_timezones(preferences.timezone) or zone == preferences.timezone:
        return
    label = f"Use your browser's time zone ({zone})"
    if st.button(label, type="tertiary", icon=":material/schedule:"):
        _save(user, timezone=zone)


@explain_refusal
def _save(user: User, **values: object) -> None:
    changes.save_preferences(user, values)
    data.forget_version(identity.current_user())  # the workspace that is open may be another one
    announce_in("display", "Settings saved.")
    st.rerun()


def _index(options: "list[str] | tuple[str, ...]", current: str) -> int:
    return options.index(current) if current in options else 0
