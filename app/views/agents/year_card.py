"""The heatmap of the year with streaks and records, and the hours of the week."""

from collections.abc import Sequence

import streamlit as st

from app.figures.agent_days import (
    HeatDay,
    Streak,
    calculate_year,
    draw_week,
    draw_year,
    find_busiest,
)
from app.formats.dates import format_short_day
from app.formats.money import format_money, format_plain
from app.formats.text import DASH
from app.ui import agent_markup as markup
from app.ui.cards import render_heading
from app.views.agents.address import Shown
from tally.core.text import plural

LEAST_WEEKS = 3  # of a month, for room for its name
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def render_year(shown: Shown) -> None:
    """The days of the last year."""
    heat = draw_year(shown.year.days, shown.today)
    figures = calculate_year(shown.year.days, shown.today)
    code = shown.currency.code
    with st.container(border=True):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.header("The last year", anchor=False, width="content")
            high = format_plain(heat.high, code)
            st.html(markup.scale(format_plain(heat.high * 0, code), f"{high}+ a day"), width="content")
        text = f"{plural(figures.active, 'day')} with agents in the last year"
        if figures.highest:
            day, value = figures.highest
            text += f", the highest {format_short_day(day, shown.today)} with {format_money(value, code)}"
        tips = {
            day.day: f"{day.day:%a} {format_short_day(day.day, shown.today)}: {format_money(day.value, code)}"
            for week in heat.weeks
            for day in week
        }
        st.html(markup.year(heat.weeks, tips, label_months(heat.weeks), text))
        highest = figures.highest
        st.html(
            markup.facts(
                [
                    (plural(figures.current.days, "day"), "Current streak"),
                    (plural(figures.longest.days, "day"), f"Longest{_name_days(figures.longest, shown)}"),
                    (
                        DASH if highest is None else format_money(highest[1], code),
                        "Highest day"
                        + ("" if highest is None else f", {format_short_day(highest[0], shown.today)}"),
                    ),
                    (f"{figures.active} of 365", "Days with agents"),
                ]
            )
        )


def _name_days(streak: Streak, shown: Shown) -> str:
    if streak.first is None or streak.last is None:
        return ""
    first, last = (format_short_day(day, shown.today) for day in (streak.first, streak.last))
    return f", {first}" if first == last else f", {first} {DASH} {last}"


def label_months(weeks: Sequence[Sequence[HeatDay]]) -> dict[int, str]:
    """The names of months at the first week that begins in each, and at the first of all; not at the last."""
    labels = {}
    for nth in range(1, len(weeks) - 1):
        monday, before = weeks[nth][0].day, weeks[nth - 1][0].day
        if monday.month != before.month:
            labels[nth] = f"{monday:%b}"
    if min(labels, default=LEAST_WEEKS) >= LEAST_WEEKS:
        labels[0] = f"{weeks[0][-1].day:%b}"
    return labels


def render_hours(shown: Shown) -> None:
    """The hours of the week."""
    week = shown.year.week
    busiest = find_busiest(week)
    below = text = "No requests with a time in the last 90 days."
    if busiest:
        hours = f"{busiest.hour:02}:00 {DASH} {(busiest.hour + 1) % 24:02}:00"
        below = f"Busiest: {WEEKDAYS[busiest.weekday - 1]}, {hours}"
        text = f"Use of each hour of the week. {below}."
    with st.container(border=True, height="stretch"):
        zone = shown.zone.key.rpartition("/")[2].replace("_", " ")
        render_heading("When you work", f"last 90 days, {zone} time")
        st.html(markup.week_hours(draw_week(week), text, below))
