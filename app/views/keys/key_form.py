"""The dialogs that create, change, rotate and revoke a key."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data import api_keys
from app.figures.api_keys import BY_RULES
from app.formats.dates import format_day
from app.ui.danger import confirm_danger
from app.ui.notices import announce, explain_refusal, render_refusal
from app.views.keys.new_key import show_new_key
from tally.api_keys.keys import ApiKey, NewKey, Scope

MAX_NAME_LENGTH = 100
MAX_REQUESTS, MAX_TOKENS = 100_000, 10**12
LIFETIMES = {"Never": None, "30 days": 30, "90 days": 90, "1 year": 365}
OVERLAPS = {"Not at all": 0, "1 hour": 1, "24 hours": 24, "3 days": 72, "7 days": 168}
USUAL_OVERLAP = 2
SEND_HELP = "Costs, tokens and traces. Prompts and answers aren't stored unless an admin chooses so."
READ_HELP = "Costs, budgets and prompts, as far as you see them yourself."
PROMPTS_HELP = "Fetch and push prompts. Alone, the key sees no costs and sends none."
PROJECT_HELP = "What the key sends is filed under it. Without one, the rules in Settings decide."


@st.dialog("Create key", icon=":material/key:")
@explain_refusal
def create_key() -> None:
    """Ask for a name, rights and limits; the page shows the whole key."""
    user = identity.current_user()
    with st.form("create-key", border=False):
        name = st.text_input("Name", max_chars=MAX_NAME_LENGTH, placeholder="laptop, checkout-bot, ci…")
        with st.container(horizontal=True, gap="medium"):
            sends = st.checkbox("Send costs", True, help=SEND_HELP)
            reads = st.checkbox("Read costs", False, help=READ_HELP)
            serves = st.checkbox("Prompts", False, help=PROMPTS_HELP)
        project_id = _ask_project(user, None)
        limits = _ask_limits(None, None)
        expires = st.selectbox("Expires", list(LIFETIMES))
        is_sent = st.form_submit_button("Create key", type="primary", width="stretch")
    if not is_sent:
        return
    chosen: dict[Scope, bool] = {"ingest": sends, "read": reads, "prompts": serves}
    scopes = tuple(scope for scope, is_chosen in chosen.items() if is_chosen)
    if not scopes:
        render_refusal("Choose what the key may do: send costs, read them, or prompts alone.")
        return
    new = NewKey(name.strip(), scopes, project_id, **limits, expires_at=_end_in(LIFETIMES[expires]))
    show_new_key(user, api_keys.create_api_key(user, new), name.strip(), sends)
    st.rerun()


@st.dialog("Edit key", icon=":material/edit:")
@explain_refusal
def edit_key(key: ApiKey) -> None:
    """Change the name, the project, the limits or the end."""
    user = identity.current_user()
    kept = f"Unchanged ({format_day(key.expires_at.date()) if key.expires_at else 'never'})"
    with st.form(f"edit-{key.id}", border=False):
        name = st.text_input("Name", key.name, max_chars=MAX_NAME_LENGTH)
        project_id = _ask_project(user, key.project_id)
        limits = _ask_limits(key.requests_per_minute, key.tokens_per_minute)
        expires = st.selectbox("Expires", [kept, *LIFETIMES])
        is_sent = st.form_submit_button("Save changes", type="primary", width="stretch")
    if not is_sent:
        return
    changes: dict[str, Any] = {"name": name.strip(), "project_id": project_id, **limits}
    if expires != kept:
        changes["expires_at"] = _end_in(LIFETIMES[expires])
    api_keys.change_api_key(user, key.id, changes)
    announce(f"{name.strip()} saved.")
    st.rerun()


@st.dialog("Rotate key", icon=":material/autorenew:")
@explain_refusal
def rotate_key(key: ApiKey) -> None:
    """Make a new key for the same; the old one works for a while."""
    user = identity.current_user()
    st.text(f"{key.name} ({key.shown})")
    st.caption("The new key has the same name, project, rights and limits.")
    with st.form(f"rotate-{key.id}", border=False):
        overlap = st.selectbox("The old key still works for", list(OVERLAPS), index=USUAL_OVERLAP)
        expires = st.selectbox("The new key expires", list(LIFETIMES))
        is_sent = st.form_submit_button("Rotate key", type="primary", width="stretch")
    if not is_sent:
        return
    ends = timedelta(hours=OVERLAPS[overlap])
    made = api_keys.rotate_api_key(user, key, ends, _end_in(LIFETIMES[expires]))
    show_new_key(user, made, key.name, "ingest" in key.scopes)
    st.rerun()


@st.dialog("Revoke this key?", icon=":material/block:")
@explain_refusal
def confirm_revocation(key: ApiKey) -> None:
    """Explain the effect, confirm, then revoke."""
    user = identity.current_user()
    st.text(f"{key.name} ({key.shown})")
    st.caption(
        "Programs that use it are refused within 30 seconds, for good. What it sent stays. "
        "To change a key without a gap, rotate it."
    )
    if not confirm_danger("Revoke key"):
        return
    api_keys.revoke_api_key(user, key.id)
    announce(f"{key.name} revoked.")
    st.rerun()


def _ask_project(user: User, project_id: str | None) -> str | None:
    """A project, where there are any: active ones, and the present one."""
    names: Mapping[str | None, str] = {None: BY_RULES} | {
        project.project_id: project.name + (" (archived)" if project.is_archived else "")
        for project in data.load_projects(user)
        if not project.is_archived or project.project_id == project_id
    }
    if len(names) == 1:
        return project_id
    options = list(names)
    index = options.index(project_id) if project_id in names else 0
    return st.selectbox("Project", options, index, format_func=names.__getitem__, help=PROJECT_HELP)


def _ask_limits(requests: int | None, tokens: int | None) -> dict[str, int | None]:
    with st.container(horizontal=True, gap="small"):
        most_requests = st.number_input(
            "Requests a minute", 1, MAX_REQUESTS, requests, step=1, placeholder="Default"
        )
        most_tokens = st.number_input(
            "Tokens a minute", 1, MAX_TOKENS, tokens, step=1, placeholder="No limit"
        )
    return {"requests_per_minute": most_requests, "tokens_per_minute": most_tokens}


def _end_in(days: int | None) -> datetime | None:
    return datetime.now(UTC) + timedelta(days=days) if days else None
