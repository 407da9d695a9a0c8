"""Savings of applied advice as they were measured, and their total."""

from collections.abc import Sequence

import streamlit as st

from app.figures.advice_totals import add_up, draw_line
from app.figures.advice_words import name_title
from app.formats.dates import format_day
from app.formats.text import escape_markdown
from app.ui.advice_markup import draw_course, draw_total, draw_waiting
from app.ui.cards import render_heading
from app.ui.theme import current_palette
from app.views.advice.cards import Shown
from tally.advice.kept import KeptAdvice, Verified
from tally.advice.verified import is_measured

BADGES = {
    "verified": ("Verified", ":material/check:", "green"),
    "partly": ("Partly", None, "orange"),
    "none": ("No saving", None, "gray"),
    "worse": ("Costs more", ":material/warning:", "red"),
    "measuring": ("Measuring", ":material/schedule:", "blue"),
}
EXPLAINED = (
    "Cost per call before the change, times the calls after it, less what you paid."
    " Lines: cost per call a day, before and after."
)
NOTHING = "Apply advice, and Tally measures here what it really saves."
SHOWN = 8
LINE = '<div class="advline"></div>'


def render_verified(advice: Sequence[KeptAdvice], shown: Shown) -> None:
    """The card beside the list."""
    applied = [one for one in advice if one.status == "applied" and is_measured(one.kind, one.subject)]
    with st.container(border=True, key="verified_savings"):
        render_heading("Verified savings")
        if not applied:
            st.caption(NOTHING)
            return
        if total := add_up(applied):
            note = f"95%: {shown.money(total.low_usd)} to {shown.money(total.high_usd)}"
            since = (
                f"{shown.money(total.since_usd)} since {format_day(total.first_day)}"
                if total.first_day
                else ""
            )
            st.html(draw_total(shown.money(total.month_usd), f"{note} · {since}"))
        for one in applied[:SHOWN]:
            st.html(LINE)
            _render_one(one, shown)
        if len(applied) > SHOWN:
            st.caption(f"{len(applied) - SHOWN} more are under Applied.")
        st.html(LINE)
        st.caption(EXPLAINED)


def _render_one(one: KeptAdvice, shown: Shown) -> None:
    found = one.verified
    label, icon, colour = BADGES[found.state if found else "measuring"]
    with st.container(gap="xsmall", key=f"verified-{one.id}"):
        with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
            st.markdown(f"**{escape_markdown(name_title(one))}**", width="content")
            st.badge(label, icon=icon, color=colour)  # type: ignore[arg-type]
        if found is None:
            st.caption("Measured from the next night on.")
        elif found.state == "measuring" or found.month_usd is None:
            st.html(draw_waiting(found.days, found.needed_days))
        else:
            _render_measured(one, found, shown)
        if one.decided_at:
            st.caption(
                f"Applied {format_day(one.decided_at.date())} · estimate was"
                f" {escape_markdown(shown.money(one.saving.mid))}"
            )


def _render_measured(one: KeptAdvice, found: Verified, shown: Shown) -> None:
    amount, course = st.columns([1.3, 1])
    assert found.month_usd is not None  # noqa: S101 - the caller looked
    with amount, st.container(gap=None):
        st.markdown(f"**{escape_markdown(shown.money(found.month_usd))}** a month")
        if found.low_usd is not None and found.high_usd is not None and found.low_usd != found.high_usd:
            st.caption(escape_markdown(f"95%: {shown.money(found.low_usd)} to {shown.money(found.high_usd)}"))
    if found.units:
        changed = one.decided_at.date() if one.decided_at else None
        lines, at = draw_line(found.units, changed)
        told = f"Cost per call a day before and after: {name_title(one)}"
        course.html(draw_course(lines, at, told, current_palette()))
    parts = (("price", found.price_usd), ("mix", found.mix_usd), ("volume", found.volume_usd))
    changes = ", ".join(f"{name} {shown.change(usd)}" for name, usd in parts if usd is not None)
    if changes:
        more = ""
        if found.before_volume_usd is not None:
            more = f" At the volume before, the saving would be {shown.money(found.before_volume_usd)}."
        st.caption(escape_markdown(f"A month's cost changed by {changes}.{more}"))
