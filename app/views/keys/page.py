"""Keys: those with which programs send costs or read them, and the settings of each client."""

from datetime import UTC, datetime

import streamlit as st

from app import data
from app.auth.identity import current_user
from app.data.api_keys import load_api_keys
from app.parts.permissions import explain_fixed
from app.ui.notices import render_announcement
from app.ui.titles import title_row
from app.views.keys.connect import render_connect
from app.views.keys.key_form import create_key
from app.views.keys.key_list import render_list
from app.views.keys.sql_access import render_sql_access

user = current_user()
fixed = explain_fixed(user)
with title_row("Keys"):
    wants_key = st.button(
        "Create key", type="primary", icon=":material/add:", disabled=fixed is not None, help=fixed
    )
if wants_key:
    create_key()
render_announcement()
with st.skeleton(height=480):
    keys = load_api_keys(user)
    zone = data.load_preferences(user).zone
render_connect(user, keys, zone)
render_list(user, keys, zone, datetime.now(UTC))
if user.workspace.may_administer:
    render_sql_access(user, zone)
