"""The card with the SQL roles of BI tools, and the dialogs that make and remove one."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.auth import identity
from app.auth.identity import User
from app.data import api_keys
from app.formats.dates import format_day
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.danger import confirm_danger
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.notices import announce, explain_refusal
from app.views.keys.key_form import MAX_NAME_LENGTH
from tally.api_keys.sql_roles import VIEWS, SqlRole
from tally.core.text import plural

NOTHING = (
    "Metabase, Grafana, Superset and the like can read this workspace with SQL: its costs and nothing else, "
    "through a role of their own."
)
ONCE = "This is the only time the password is shown. Copy it before you close this."
ELSEWHERE = (
    "The server is as the database sees itself. Behind a proxy or in a hosted project, use its address there."
)
READS = "The role reads the schema bi: " + ", ".join(VIEWS) + ". It ends when whoever made it leaves."
COLUMNS = {
    "name": columns.name("Name"),
    "user": columns.fitting_text("User"),
    "made": columns.day("Made on", format_day),
}
ALT = "SQL roles of BI tools"


def render_sql_access(user: User, zone: ZoneInfo) -> None:
    """The roles, with buttons to make one and to remove the selected one."""
    roles = api_keys.load_sql_roles(user)
    with st.container(border=True, key="sql_access"):
        render_heading("SQL for BI tools", plural(len(roles), "role") if roles else "")
        if not roles:
            st.text(NOTHING)
        position = selected_line(_key(roles), len(roles)) if roles else None
        with st.container(horizontal=True, gap="small"):
            if st.button("Create role", icon=":material/add:", key="create-sql-role"):
                create_role()
            is_idle = position is None
            if roles and st.button(
                "Remove", icon=":material/delete:", disabled=is_idle, key="remove-sql-role"
            ):
                confirm_removal(roles[position or 0])
        if roles:
            _render_list(roles, zone)
            st.caption(READS)


def describe_roles(roles: Sequence[SqlRole], zone: ZoneInfo) -> pd.DataFrame:
    """Roles as a table, for COLUMNS."""
    rows = [
        {"name": role.name, "user": role.role_name, "made": role.created_at.astimezone(zone).date()}
        for role in roles
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


@st.dialog("SQL for a BI tool", icon=":material/database:")
@explain_refusal
def create_role() -> None:
    """Ask for a name, then show the user and the password."""
    user = identity.current_user()
    asking = st.empty()
    with asking.container(), st.form("create-sql-role-form", border=False):
        st.caption(NOTHING)
        name = st.text_input("Name", max_chars=MAX_NAME_LENGTH, placeholder="Metabase, Grafana…")
        is_sent = st.form_submit_button("Create role", type="primary", width="stretch")
    if not is_sent:
        return
    made = api_keys.create_sql_role(user, name.strip())
    asking.empty()
    st.caption(ONCE)
    st.code(made.url, language=None, wrap_lines=True)
    st.caption(ELSEWHERE)
    if st.button("Done", width="stretch", key="sql-role-done"):
        st.rerun()


@st.dialog("Remove this role?", icon=":material/delete:")
@explain_refusal
def confirm_removal(role: SqlRole) -> None:
    """Explain the effect, confirm, then remove."""
    user = identity.current_user()
    st.text(f"{role.name} ({role.role_name})")
    st.caption("Tools that use it are refused at once, for good.")
    if not confirm_danger("Remove role"):
        return
    api_keys.remove_sql_role(user, role.id)
    announce(f"{role.name} removed.")
    st.rerun()


def _render_list(roles: Sequence[SqlRole], zone: ZoneInfo) -> None:
    frame = describe_roles(roles, zone)
    lines = [
        Line(row["name"], f"{row['user']} · {format_day(row['made'])}") for row in frame.to_dict("records")
    ]
    render_choices(frame, COLUMNS, ALT, _key(roles), lines)


def _key(roles: Sequence[SqlRole]) -> str:
    return f"sql-roles-{hash(tuple(role.id for role in roles))}"
