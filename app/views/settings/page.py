"""Settings: of the open workspace and of the user's own account, in parts; the others are not worked out."""

import streamlit as st

from app.auth.identity import current_user
from app.ui.notices import render_announcement
from app.ui.titles import title_row
from app.views.settings.parts import list_parts

user = current_user()
parts = list_parts(user)
with title_row("Settings"):
    section = st.segmented_control(
        "Part of the settings",
        [*parts],
        default=next(iter(parts)),
        required=True,
        key="section",
        bind="query-params",
        wrap=True,
        label_visibility="collapsed",
    )
top = st.container()
parts[section](user)
with top:
    render_announcement()  # of what has no card here
