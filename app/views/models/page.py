"""Models: requests, errors, latency, speed and cost of each model, two of them compared, and their course."""

from dataclasses import replace
from datetime import UTC, datetime

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures.engine_words import describe_source
from app.figures.model_performance import PERIODS, ask_for, name_models
from app.formats.text import escape_markdown
from app.parts.archived_notice import render_archived
from app.parts.project_choice import choose_project
from app.ui.titles import title_row
from app.views.models.comparison import choose_models, render_comparison
from app.views.models.courses import render_courses
from app.views.models.empty import PERIOD, render_empty, render_too_many
from app.views.models.shown import Shown
from app.views.models.table import render_models
from tally.storage.database import DatabaseError, NotAllowed, SignedOut, Unreachable

DEFAULT_PERIOD = "30D"

user = current_user()
zone = data.load_preferences(user).zone
with title_row("Models"), st.container(horizontal=True, width="content", gap="small"):
    project = choose_project(user)
    period = (
        st.segmented_control(
            "Period",
            list(PERIODS),
            default=DEFAULT_PERIOD,
            required=True,
            key=PERIOD,
            bind="query-params",
            label_visibility="collapsed",
        )
        or DEFAULT_PERIOD
    )
question = ask_for(period, datetime.now(UTC), zone, None if project is None else project.project_id)
try:
    with st.skeleton(height=480):
        found = data.load_performance(user, question)
except (Unreachable, SignedOut, NotAllowed):
    raise
except DatabaseError as refused:
    render_too_many(period, refused)
    st.stop()
render_archived(user, question.first_at.astimezone(zone).date(), question.last_at.astimezone(zone).date())
if not found.requests:
    render_empty(period, None if project is None else project.name)
else:
    names = name_models(found.models)
    table_place = st.container()
    chosen = choose_models(names)
    followed = {point.key for point in found.points}
    if any(names[name].key not in followed for name in chosen):
        question = replace(question, chosen=tuple(names[name].model_name for name in chosen))
        found = data.load_performance(user, question)
    shown = Shown(found, names, question, zone, data.load_currency(user))
    with table_place:
        render_models(shown)
    if len(chosen) == 2:
        render_comparison(shown, chosen)
    render_courses(shown, chosen)
    if source := describe_source(found.source):
        st.caption(escape_markdown(source))
