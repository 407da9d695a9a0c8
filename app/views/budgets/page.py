"""Budgets: limits of any scope, where their periods will likely end, one of them in detail, and a new one."""

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.figures.budget_words import hide_forecast
from app.parts.budget_address import NEW, read_choice
from app.parts.permissions import explain_fixed_budgets
from app.parts.unread_alerts import note_alerts_seen
from app.ui.periods import today_in
from app.views.budgets.budget_list import render_list
from app.views.budgets.detail import render_detail
from app.views.budgets.new_budget import render_new

user = current_user()
today = today_in(data.load_preferences(user).zone)
asked = read_choice()

with st.skeleton(height=480):
    statuses = list(map(hide_forecast, data.load_budgets(user)))
chosen = next((status for status in statuses if status.budget.id == asked), None)
if statuses and asked != NEW:
    note_alerts_seen(user)
if asked == NEW and explain_fixed_budgets(user) is None:
    render_new(user, today)
elif chosen:
    render_detail(user, chosen)
else:
    render_list(user, statuses)
