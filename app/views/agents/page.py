"""Agents: what coding agents used today, this week, this month and this year, and single sessions."""

from datetime import timedelta

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures.agent_classes import split_classes
from app.figures.agent_days import list_active
from app.parts.archived_notice import render_archived
from app.parts.permissions import render_own_only
from app.ui import agent_markup as markup
from app.ui.periods import today_in
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.agents.address import (
    SESSION,
    TITLES,
    Shown,
    choose_agent,
    choose_month,
    choose_person,
)
from app.views.agents.empty import render_empty
from app.views.agents.month_card import open_month_card
from app.views.agents.month_cards import render_classes, render_models, render_pace, render_places
from app.views.agents.session_page import render_missing, render_session, render_way_back
from app.views.agents.sessions_card import render_sessions
from app.views.agents.top_cards import load_plans, render_top
from app.views.agents.year_card import render_hours, render_year

user = current_user()
zone = data.load_preferences(user).zone
currency = data.load_currency(user)
today = today_in(zone)


def render_agents() -> None:
    """The page without a session."""
    with title_row("Agents"):
        controls = st.container(horizontal=True, width="content", vertical_alignment="center", gap="small")
    render_own_only(user)
    with controls:
        person = choose_person(user)
    with st.skeleton(height=480):
        everything = data.load_agent_year(user, tuple(TITLES), person, today)
    if not list_active(everything.days):
        render_empty(user, person)
        return
    used = sorted({day.agent for day in everything.days}, key=lambda name: list(TITLES).index(name))
    with controls:
        agent = choose_agent(used)
        first, last = choose_month(today)
    agents = (agent,) if agent else tuple(TITLES)
    year = data.load_agent_year(user, agents, person, today) if agent else everything
    question = data.AgentQuestion(agents, person, first, last)
    shown = Shown(user, question, year, zone, currency, today)
    with st.skeleton(height=480):
        models = data.load_agent_models(user, question)
        places = data.load_agent_places(user, question)
        sessions = data.load_agent_sessions(user, question)
        plans = load_plans(shown)
        prices = data.load_workspace_prices(user)
    classes = split_classes(models, currency, prices)
    with controls:
        if st.button("Month card", icon=":material/ios_share:", type="primary", key="month-card"):
            open_month_card(shown, plans, classes, models, places)
    render_archived(user, today - timedelta(days=366), today)
    st.html(markup.render_styles(current_palette()))
    render_top(shown, plans, classes, models)
    render_year(shown)
    left, right = st.columns(2, gap="small")
    with left:
        render_hours(shown)
    with right:
        render_classes(shown, classes)
    left, right = st.columns([5, 3], gap="small")
    with left:
        render_places(shown, places)
    with right, st.container(border=True, height="stretch"):
        render_pace(shown)
        render_models(shown, models)
    render_sessions(shown, sessions)


asked = st.query_params.get(SESSION, "")
if asked:
    render_way_back()
    with st.skeleton(height=480):
        session = data.load_agent_session(user, asked)
    if session is None:
        render_missing(asked)
    else:
        render_session(session, zone, currency, today)
else:
    render_agents()
