"""The period of a page: a preset, or two days from the URL, in the account's time zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import streamlit as st

from app.formats.dates import format_days, format_span
from tally.core.months import month_before
from tally.core.text import plural

THIS_MONTH, LAST_MONTH = "This month", "Last month"
PRESET_DAYS = {"7D": 7, "30D": 30, "90D": 90, "1Y": 365, "All": None}
PRESET_LABELS = {"7D": "7 days", "30D": "30 days", "90D": "90 days", "1Y": "1 year", "All": "all time"}
OFFERED = (THIS_MONTH, LAST_MONTH, "30D", "90D", "1Y")
RARE = {"7D": "Last 7 days", "All": "All time"}  # offered beside the days
EARLIEST_DAY = date(2020, 1, 1)
OWN_DAYS = "chosen days"
RANGE, DAYS, NO_RANGE = "range", "chosen_days", "no_range"


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included; without `first` all days up to `last`."""

    first: date | None
    last: date
    label: str
    preset: str = ""  # its name in addresses; empty for days of one's own

    @property
    def is_month(self) -> bool:
        """True for a month, or for its days so far."""
        return self.label in (THIS_MONTH, LAST_MONTH)

    @property
    def is_preset(self) -> bool:
        """True unless its days are one's own."""
        return self.label != OWN_DAYS

    @property
    def days(self) -> int | None:
        """The number of its days; None without a first day."""
        return None if self.first is None else (self.last - self.first).days + 1

    @property
    def before(self) -> "Period | None":
        """The same days of the month before, or as many days right before; None without a first day."""
        if self.first is None or self.days is None:
            return None
        if not self.is_month:
            return Period(
                self.first - timedelta(days=self.days), self.first - timedelta(days=1), self._name_before()
            )
        is_whole = self.last.month != (self.last + timedelta(days=1)).month
        first, last = month_before(self.first)
        if not is_whole:
            last = min(last, first + timedelta(days=self.days - 1))
        return Period(first, last, format_span(first, last))

    def _name_before(self) -> str:
        return "the day before" if self.days == 1 else f"the {plural(self.days or 0, 'day')} before"


def today_in(zone: ZoneInfo) -> date:
    """The current day in a time zone."""
    return datetime.now(zone).date()


def preset_period(preset: str, today: date) -> Period:
    """The days of a preset, up to today; of the last month, all of them."""
    if preset == THIS_MONTH:
        return Period(today.replace(day=1), today, preset, preset)
    if preset == LAST_MONTH:
        return Period(*month_before(today), preset, preset)
    days = PRESET_DAYS[preset]
    first = None if days is None else today - timedelta(days=days - 1)
    return Period(first, today, PRESET_LABELS[preset], preset)


def parse_period(address: Mapping[str, str], today: date) -> Period | None:
    """The period of `?from=…&to=…`, up to today; None unless these are two days in order."""
    try:
        first, last = (date.fromisoformat(address[name][:10]) for name in ("from", "to"))
    except (KeyError, ValueError):
        return None
    last = min(last, today)
    return Period(first, last, OWN_DAYS) if EARLIEST_DAY <= first <= last else None


def render_period(today: date, default_preset: str) -> Period:
    """Draw the period controls; the URL holds the choice, for reloads and shared links."""
    chosen = parse_period(st.query_params, today)
    with st.container(horizontal=True, width="content", vertical_alignment="center", gap="xsmall"):
        preset = _choose_preset(default_preset, is_open=chosen is not None)
        _choose_days(chosen, today)
    return chosen or preset_period(preset, today)


def _choose_preset(default_preset: str, is_open: bool) -> str:
    """The presets; with days of one's own, none of them is chosen."""
    default = default_preset if default_preset in (*OFFERED, *RARE) else "30D"
    asked = (default, st.session_state.get(RANGE) or st.query_params.get(RANGE))
    options = [*OFFERED, *(rare for rare in RARE if rare in asked)]
    if is_open:
        st.session_state[NO_RANGE] = None
        st.segmented_control(
            "Date range", options, key=NO_RANGE, on_change=_leave_days, label_visibility="collapsed"
        )
        return default
    preset = st.segmented_control(
        "Date range",
        options,
        default=default,
        required=True,
        key=RANGE,
        bind="query-params",
        label_visibility="collapsed",
    )
    return preset or default


def _choose_days(chosen: Period | None, today: date) -> None:
    """The menu with days of one's own, and the presets that few need."""
    label = format_days(chosen.first, chosen.last) if chosen and chosen.first else "Days"
    shown = st.session_state.get(DAYS, ())
    if len(shown) != 1:  # else the second day is being chosen
        st.session_state[DAYS] = (chosen.first, chosen.last) if chosen else ()
    with st.popover(label, icon=":material/calendar_month:"):
        st.date_input(
            "From and to",
            min_value=EARLIEST_DAY,
            max_value=today,
            key=DAYS,
            on_change=_save_days,
            format="YYYY-MM-DD",
        )
        with st.container(horizontal=True, gap="small"):
            for preset, name in RARE.items():
                st.button(name, key=f"range_{preset}", on_click=_choose_rare, args=(preset,), type="tertiary")


def _save_days() -> None:
    days = st.session_state[DAYS]
    if len(days) == 2:
        st.query_params.update({"from": days[0].isoformat(), "to": days[1].isoformat()})


def _leave_days() -> None:
    if preset := st.session_state[NO_RANGE]:
        _choose_rare(preset)


def _choose_rare(preset: str) -> None:
    for name in ("from", "to"):
        st.query_params.pop(name, None)
    st.session_state[DAYS] = ()
    st.session_state[RANGE] = preset
