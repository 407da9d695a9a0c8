"""Preferences, and the display currency with its rates."""

from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from app.auth.identity import User, database_of, supabase_client
from app.data.reading import CACHE_SECONDS, KEYS, cached, data_version, fetch_rows
from app.figures.currencies import COVERED_SINCE, Currency
from tally.currency import stored_rates
from tally.currency.rates import USD, Rates

NAMED_RANGES = {"all": "All", "this month": "This month"}
PREFERENCE_COLUMNS = "timezone,theme,currency,default_date_range,forecast_enabled,metadata"


@dataclass(frozen=True, slots=True)
class Preferences:
    """The user's settings, and in a shared workspace its time zone and currency."""

    timezone: str = "UTC"
    theme: str = "system"
    currency: str = USD
    default_range: str = "30D"
    forecast_enabled: bool = True
    timezone_set: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone; UTC where this machine does not know it."""
        try:
            return ZoneInfo(self.timezone)
        except (ZoneInfoNotFoundError, ValueError):
            return ZoneInfo("UTC")


def load_preferences(user: User) -> Preferences:
    """The stored preferences, or the defaults.

    In a shared workspace, days and amounts are the workspace's.
    """
    own = _preferences(user, data_version(user))
    workspace = user.workspace
    if workspace.is_personal:
        return own
    return replace(
        own,
        timezone=workspace.timezone,
        currency=workspace.currency,
        timezone_set=True,
        forecast_enabled=True,
    )


@cached
def _preferences(user: User, version: str) -> Preferences:  # noqa: ARG001
    rows = fetch_rows(supabase_client(user).table("user_preferences").select(PREFERENCE_COLUMNS))
    if not rows:
        return Preferences()
    row = rows[0]
    return Preferences(
        timezone=row["timezone"],
        theme=row["theme"],
        currency=row["currency"],
        default_range=NAMED_RANGES.get(row["default_date_range"], row["default_date_range"].upper()),
        forecast_enabled=row["forecast_enabled"],
        timezone_set=row["timezone"] != "UTC" or bool(row["metadata"].get("timezone_set")),
        metadata=row["metadata"],
    )


def load_preference_metadata(user: User) -> dict[str, Any]:
    """Metadata of the preferences, such as column mappings; never cached."""
    table = supabase_client(user).table("user_preferences")
    found = fetch_rows(table.select("metadata").eq("user_id", user.user_id))
    return dict(found[0]["metadata"]) if found else {}


def load_currency(user: User) -> Currency:
    """The display currency; US dollars where the chosen one has no current rates."""
    code = load_preferences(user).currency
    if code == USD:
        return Currency()
    rates = load_rates(user)
    return Currency(code, rates) if rates.covers(code, COVERED_SINCE) else Currency()


@st.cache_resource(ttl=CACHE_SECONDS, max_entries=32, show_spinner=False, hash_funcs=KEYS)
def load_rates(user: User) -> Rates:
    """Exchange rates of every day, including those that the nightly run fetched."""
    return stored_rates.load_rates(database_of(user))
