"""Prompts: what their versions cost, one of them in detail, and what runs."""

from datetime import timedelta

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.parts.archived_notice import render_archived
from app.parts.project_choice import choose_project
from app.ui.notices import render_announcement
from app.ui.periods import today_in
from app.ui.titles import title_row
from app.views.prompts.actions import render_new_button
from app.views.prompts.address import PROMPT, Shown, choose_days
from app.views.prompts.detail import render_detail, render_missing, render_title
from app.views.prompts.prompt_list import render_list

user = current_user()
zone = data.load_preferences(user).zone
currency = data.load_currency(user)
today = today_in(zone)
asked = st.query_params.get(PROMPT, "")

if asked:
    with st.skeleton(height=480):
        prompt = data.load_prompt(user, asked)
    if prompt is None:
        render_missing(asked)
    else:
        days = render_title(user, prompt)
        render_announcement()
        render_detail(Shown(user, zone, currency, today, days, None), prompt)
else:
    with (
        title_row("Prompts"),
        st.container(horizontal=True, width="content", vertical_alignment="center", gap="small"),
    ):
        project = choose_project(user)
        days = choose_days()
        render_new_button(user)
    render_announcement()
    render_archived(user, today - timedelta(days=days), today)
    render_list(Shown(user, zone, currency, today, days, project))
