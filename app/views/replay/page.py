"""Replay: past calls, one by one, on another model, tier, cache or plan."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.parts.project_choice import choose_project
from app.ui.cards import render_heading
from app.ui.notices import render_refusal, render_warning
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.replay.outcome import render_outcome
from app.views.replay.question import ask
from app.views.replay.running import find_outcome
from tally.core.errors import TallyError
from tally.storage.database import DatabaseError

user = current_user()
today = today_in(data.load_preferences(user).zone)
with title_row("Replay"):
    project = choose_project(user)
with st.container(border=True, key="replay_question"):
    render_heading("What would it have cost otherwise?", "Each past call at the prices of its own time")
    question = None
    try:
        with st.skeleton(height=160):
            question = ask(user, today, project.project_id if project else None)
    except DatabaseError:
        raise
    except TallyError as fault:
        render_warning(str(fault))
    else:
        if question is None:
            st.caption("No calls in the last 90 days yet. Collect logs, send telemetry, or import a file.")
    found = find_outcome(user, question)
if isinstance(found, str):
    render_refusal(found)
elif found and question:
    render_outcome(found, question, data.load_currency(user), today)
