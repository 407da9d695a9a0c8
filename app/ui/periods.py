"""The period of a page: a preset, or two days from the URL, in the account's time zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from app.formats.dates import format_days

PRESET_DAYS = {"7D": 7, "30D": 30, "90D": 90, "1Y": 365, "All": None}
PRESET_LABELS = {"7D": "7 days", "30D": "30 days", "90D": "90 days", "1Y": "1 year", "All": "all time"}
EARLIEST_DAY = date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included; without `first` all days up to `last`."""

    first: date | None
    last: date
    label: str

    @property
    def before(self) -> "Period | None":
        """The period of the same length right before; None without a first day."""
        if self.first is None:
            return None
        days = (self.last - self.first).days + 1
        return Period(self.first - timedelta(days=days), self.first - timedelta(days=1), "before")


def today_in(zone: ZoneInfo) -> date:
    """The current day in a time zone."""
    return datetime.now(zone).date()


def preset_period(preset: str, today: date) -> Period:
    """The days of a preset, up to today."""
    days = PRESET_DAYS[preset]
    return Period(None if days is None else today - timedelta(days=days - 1), today, PRESET_LABELS[preset])


def parse_period(address: Mapping[str, str], today: date) -> Period | None:
    """The period of `?from=…&to=…`, up to today; None unless these are two days in order."""
    try:
        first, last = (date.fromisoformat(address[name][:10]) for name in ("from", "to"))
    except (KeyError, ValueError):
        return None
    last = min(last, today)
    return Period(first, last, "chosen days") if EARLIEST_DAY <= first <= last else None


def render_period(today: date, default_preset: str) -> Period:
    """Draw the period controls; the URL holds the choice, for reloads and shared links."""
    chosen = parse_period(st.query_params, today)
    if chosen is not None and chosen.first is not None:
        days = format_days(chosen.first, chosen.last)
        st.button(
            days, icon=":material/close:", help="Clear custom dates", on_click=_clear_days, key="own_days"
        )
        return chosen
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
        preset = st.segmented_control(
            "Date range",
            list(PRESET_DAYS),
            default=default_preset if default_preset in PRESET_DAYS else "30D",
            required=True,
            key="range",
            bind="query-params",
            label_visibility="collapsed",
        )
        with st.popover("Days", icon=":material/calendar_month:"):
            st.date_input(
                "From and to",
                [],
                EARLIEST_DAY,
                today,
                key="chosen_days",
                on_change=_save_days,
                format="YYYY-MM-DD",
            )
    return preset_period(preset or "30D", today)


def _save_days() -> None:
    days = st.session_state.chosen_days
    if len(days) == 2:
        st.query_params.update({"from": days[0].isoformat(), "to": days[1].isoformat()})


def _clear_days() -> None:
    for name in ("from", "to"):
        st.query_params.pop(name, None)
