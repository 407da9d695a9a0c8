"""The page without usage of coding agents: the scan of this machine, and the commands for others."""

import streamlit as st

from app.auth.identity import User
from app.parts.permissions import explain_fixed, render_reason
from app.parts.scan import COMMANDS, SAVED, may_look, render_scan
from app.ui.navigation import switch_page


def render_empty(user: User, person: str | None) -> None:
    """Offer the scan where it may be, name the two commands, and telemetry as the other way."""
    if reason := explain_fixed(user):
        render_reason(f"No coding agents yet. {reason}")
        return
    with st.container(border=True, gap="small", key="no_agents"):
        is_own = person == user.user_id
        st.header("You have no coding agents here yet" if is_own else "No coding agents yet", anchor=False)
        if scans := may_look(user):
            render_scan(user)
        machines = "each other machine" if scans else "each machine"
        st.text(f"Run this on {machines} where Claude Code, Codex, Gemini CLI or others work. {SAVED}")
        st.code(COMMANDS, language="bash")
        if is_own:
            st.caption("What others used is under Everyone.")
        if st.button("Or send telemetry with a key", icon=":material/key:", key="open-keys"):
            switch_page("keys")
