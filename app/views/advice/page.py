"""Advice: what would cost less, with its range and evidence, and what applied advice really saved."""

from datetime import datetime

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures.advice_totals import find_scale
from app.formats.dates import format_instant, format_span
from app.formats.text import escape_markdown
from app.parts.permissions import explain_fixed_advice
from app.parts.project_choice import choose_project
from app.ui.advice_markup import render_styles
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.theme import DARK, current_palette
from app.ui.titles import title_row
from app.views.advice.cards import Shown, render_card
from app.views.advice.verified import render_verified
from tally.core.schedule import next_due
from tally.storage.unnamed import UNASSIGNED

TABS = {"open": "Open", "applied": "Applied", "dismissed": "Dismissed"}
COLUMNS = [2.1, 1]
PAGE_ROWS = 20
NOTHING = {
    "open": (
        "No advice right now",
        "Tally looks every night for what would cost less. It needs four weeks of usage, and savings of at"
        " least $5 and 2% of what you spend.",
    ),
    "applied": ("Nothing applied yet", "Apply open advice, and Tally measures what it saves."),
    "dismissed": ("Nothing dismissed", "What you dismiss stays away for 90 days, unless its saving doubles."),
}
NOT_LOOKED = (
    "Tally has not looked yet. It looks every night, next on {next}; on a machine of your own,"
    " “tally nightly” has it look now."
)

user = current_user()
zone = data.load_preferences(user).zone
today = today_in(zone)
with st.skeleton(height=480):
    everything = data.load_advice(user)
with title_row("Advice"), st.container(horizontal=True, width="content", gap="small"):
    counts = {name: sum(one.status == name for one in everything) for name in TABS}
    tab = (
        st.segmented_control(
            "Shown advice",
            list(TABS),
            default="open",
            required=True,
            format_func=lambda name: f"{TABS[name]} {counts[name]}",
            key="shown_advice",
            label_visibility="collapsed",
        )
        or "open"
    )
    project = choose_project(user)
render_announcement()
of_project = [
    one for one in everything if project is None or (one.project_id or UNASSIGNED) == project.project_id
]
listed = [one for one in of_project if one.status == tab]
scale = find_scale(one.saving.high for one in listed)
shown = Shown(data.load_currency(user), scale, today)
if listed:
    span = format_span(min(one.window[0] for one in listed), max(one.window[1] for one in listed))
    told = f"Usage from {span}, as a month of 30.4 days. Savings overlap, so they are not added up."
    if any(one.saving.mid > 0 for one in listed):
        told += f" All bars run from {shown.money(scale * 0)} to {shown.money(scale)}."
    st.caption(escape_markdown(told))
if (fixed := explain_fixed_advice(user)) and listed:
    st.caption(fixed)
palette = current_palette()
st.html(render_styles(palette, palette is DARK))
cards, beside = st.columns(COLUMNS)
with cards:
    if not listed:
        title, text = NOTHING[tab]
        if tab == "open" and data.load_last_run(user) is None:
            text = NOT_LOOKED.format(next=format_instant(next_due(datetime.now().astimezone()), zone))
        with st.container(border=True, gap="small", key="no_advice"):
            st.header(title, anchor=False)
            st.text(text)
    pages = -(-len(listed) // PAGE_ROWS)
    page = min(st.session_state.get(f"advice-page-{tab}") or 1, pages or 1)
    for one in listed[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]:
        render_card(user, one, shown)
    if pages > 1:
        st.pagination(pages, key=f"advice-page-{tab}")
with beside:
    render_verified(of_project, shown)
