"""Connections to providers' APIs: their status, adding and deleting them."""

from datetime import UTC, datetime

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.parts.permissions import render_reason
from app.ui.notices import render_announcement
from app.ui.titles import title_row
from app.views.connections.cards import announce_finished_syncs, render_connection, render_count, render_none
from app.views.connections.dialogs import ask_for_key
from app.views.connections.job_card import render_jobs

user = current_user()
if not user.workspace.may_administer:
    title_row("Connections")
    render_reason("Only owners and admins can see and change the keys of this workspace.")
    st.stop()
preferences = data.load_preferences(user)
connections = data.load_connections(user)
announce_finished_syncs(user, connections)

with title_row("Connections"):
    if st.button("Add connection", type="primary", icon=":material/add:", key="add-connection"):
        ask_for_key()
render_announcement()
if not connections:
    render_none()
render_count(connections)
for connection in connections:
    render_connection(user, connection, datetime.now(UTC), preferences.zone)
render_jobs(user, connections)
