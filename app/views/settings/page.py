"""Settings: of the shared workspace that is open, and of the user's own account."""

import streamlit as st

from app.auth.identity import current_user
from app.ui.notices import render_announcement
from app.ui.titles import title_row
from app.views.settings.account_section import render_account
from app.views.settings.workspace_section import render_workspace

WORKSPACE, ACCOUNT = "Workspace", "My account"

user = current_user()
section = ACCOUNT
with title_row("Settings"):
    if not user.workspace.is_personal:
        section = st.segmented_control(
            "Settings of",
            [WORKSPACE, ACCOUNT],
            default=WORKSPACE,
            required=True,
            key="section",
            bind="query-params",
            label_visibility="collapsed",
        )
top = st.container()
if section == WORKSPACE:
    render_workspace(user)
else:
    render_account(user)
with top:
    render_announcement()  # of what has no card here
