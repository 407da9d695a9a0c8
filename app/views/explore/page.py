"""Explore: any question about costs, as a chart and a table, with all of it in the address."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures.archived import IN_ENGINE, WHAT, needs_records
from app.parts.archived_notice import render_archived
from app.parts.explore_address import read_view
from app.parts.nothing_yet import render_nothing_yet
from app.parts.project_choice import choose_project
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.explore.answer import find_period, load_answer, make_question, within
from app.views.explore.chart_card import render_chart_card
from app.views.explore.controls import render_controls
from app.views.explore.export_menu import render_export_menu
from app.views.explore.filters import render_filters
from app.views.explore.saved_views import render_messages, render_saved_views
from app.views.explore.styles import apply_explore_styles
from app.views.explore.table_card import render_table_card

PLACES = "explore_places"  # of groups that this session has seen, for their colours

user = current_user()
today = today_in(data.load_preferences(user).zone)
view = read_view()
apply_explore_styles()
with title_row("Explore"), st.container(horizontal=True, width="content", gap="small"):
    project = choose_project(user)
    render_saved_views(user, within(view, project))
    export_place = st.container(width="content")
render_messages()
period = find_period(view, today)
question_place = st.empty()
with question_place.container(border=True):
    render_controls(view, period, today)
    render_filters(user, view, make_question(view, period, project))
with st.skeleton(height=600):
    answer = load_answer(user, view, project, today)
    answer = answer.remember(st.session_state.setdefault(PLACES, {}))
asked = answer.now.question
if needs_records(asked.measure, [*asked.by, *(name for name, _ in asked.filters)], asked.granularity):
    first = min(one.question.first for one in (answer.now, answer.before) if one)
    render_archived(user, first, asked.last, IN_ENGINE if answer.has_archived else WHAT)
if answer.now.total.records:
    with export_place:
        render_export_menu(answer)
    with st.container(border=True):
        render_chart_card(answer)
    with st.container(border=True):
        render_table_card(user, answer)
elif not view.filters and project is None and data.load_daily(user, None, None).empty:
    question_place.empty()
    render_nothing_yet(user)
else:
    with st.container(border=True):
        st.text("No costs match. Take a filter away, or choose a longer period.")
