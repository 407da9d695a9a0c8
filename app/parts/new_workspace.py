"""Card and dialog that create a workspace."""

import streamlit as st

from app import data
from app.auth import identity
from app.data import workspace_changes
from app.figures.currencies import list_currencies
from app.formats.currency import describe_currency
from app.parts.timezones import list_timezones
from app.parts.workspace_choice import enter_workspace
from app.ui.cards import render_heading
from app.ui.navigation import switch_page
from app.ui.notices import announce, explain_refusal

MAX_NAME_LENGTH = 100


def render_new_workspace() -> None:
    """The card of the settings."""
    render_heading("Workspaces")
    st.caption("Share costs with a team: members, roles and limits. Your personal workspace stays yours.")
    if st.button("Create workspace", icon=":material/group_add:", key="create-workspace"):
        create_workspace()


@st.dialog("Create workspace", icon=":material/group_add:")
@explain_refusal
def create_workspace() -> None:
    """Ask for name, time zone and currency; opens the settings of the new workspace."""
    user = identity.current_user()
    preferences = data.load_preferences(user)
    zones, currencies = list_timezones(preferences.timezone), list_currencies(data.load_rates(user))
    with st.form("new-workspace", border=False):
        name = st.text_input("Name", max_chars=MAX_NAME_LENGTH, placeholder="Your team or company")
        timezone = st.selectbox("Time zone", zones, index=zones.index(preferences.timezone))
        currency = st.selectbox(
            "Currency",
            currencies,
            index=currencies.index(data.load_currency(user).code),
            format_func=describe_currency,
        )
        st.caption("Days and months are counted in this time zone, for everyone.")
        is_sent = st.form_submit_button("Create workspace", type="primary", width="stretch")
    if not is_sent:
        return
    workspace_id = workspace_changes.create_workspace(user, name.strip(), timezone, currency)
    enter_workspace(user, workspace_id)
    announce(f"{name.strip()} created. You can invite its members now.")
    st.session_state.pop("section", None)  # the part of the settings that is open
    switch_page("settings", workspace_id, section="People")
