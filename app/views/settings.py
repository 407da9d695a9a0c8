"""How should Tally show my data, and what may become of it?"""

import streamlit as st

from app import data
from app.identity import current_user
from app.notices import render_announcement
from app.own_account import render_deletion, render_sample
from app.own_export import render_export
from app.periods import today_in
from app.settings_forms import render_display, render_password
from app.titles import title_row

user = current_user()
preferences = data.load_preferences(user)

title_row("Settings")
render_announcement()
with st.container(border=True):
    render_display(user, preferences)
with st.container(border=True):
    render_password(user)
with st.container(border=True):
    render_export(user, preferences.zone)
with st.grid(2, min_column_width=300, gap="small"):
    with st.container(border=True, height="stretch"):
        render_sample(user, today_in(preferences.zone))
    with st.container(border=True, height="stretch"):
        render_deletion()
