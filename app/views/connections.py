"""Which providers is spend fetched from, and does it work?"""

from datetime import UTC, datetime

import streamlit as st

from app import data
from app.audit_log import render_audit_log
from app.connection_cards import note_ended_syncs, render_connection, render_count, render_none
from app.connection_dialogs import ask_for_key
from app.identity import current_user
from app.notices import render_announcement
from app.titles import title_row

user = current_user()
preferences = data.load_preferences(user)
connections = data.load_connections(user)
note_ended_syncs(user, connections)

with title_row("Connections"):
    if st.button("Add connection", type="primary", icon=":material/add:", key="add-connection"):
        ask_for_key()
render_announcement()
if not connections:
    render_none()
render_count(connections)
for connection in connections:
    render_connection(user, connection, datetime.now(UTC), preferences.zone)
render_audit_log(user, preferences.zone)
