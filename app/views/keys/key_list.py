"""The list of keys, with buttons for the selected one."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.api_keys import (
    BY_RULES,
    describe_scopes,
    describe_state,
    explain_block,
    sort_keys,
    summarize_keys,
)
from app.formats.dates import format_recent_day
from app.parts.permissions import OWN_ONLY
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.columns import Column
from app.ui.line_list import Line, render_choices, selected_line
from app.views.keys.key_form import confirm_revocation, edit_key, rotate_key
from tally.api_keys.keys import ApiKey
from tally.core.text import plural

NOTHING = "No keys yet. With one, an agent or an app sends its costs itself, within seconds of each call."
FOOTNOTE = (
    "Tally stores only a hash of each key. A rotated key works until its end, so that programs can switch."
)
ALT = "Keys of programs"
PROJECT_WIDTH = 140
HIDDEN = "Hidden project"


@dataclass(frozen=True, slots=True)
class Known:
    """Projects by their id, and emails and roles of people by theirs."""

    projects: Mapping[str, data.Project]
    emails: Mapping[str, str]
    roles: Mapping[str, str | None]

    def name_project(self, key: ApiKey) -> str:
        """The project that a key files under."""
        if key.project_id is None:
            return BY_RULES
        project = self.projects.get(key.project_id)
        return project.name if project else HIDDEN

    def explain_block(self, key: ApiKey, now: datetime) -> str:
        """The reason why a key is refused although it has not ended."""
        project = self.projects.get(key.project_id or "")
        is_archived = project.is_archived if project else None
        return explain_block(key, is_archived, self.roles.get(key.user_id)) if key.works(now) else ""


def render_list(user: User, keys: Sequence[ApiKey], zone: ZoneInfo, now: datetime) -> None:
    """The keys that work and, if asked for, those that ended."""
    working, ended = sort_keys(keys, now)
    with st.container(border=True, key="api_keys"):
        render_heading("API keys", summarize_keys(working, now) if keys else "")
        if not keys:
            st.text(NOTHING)
            return
        shows_ended = bool(ended) and st.toggle(f"Show {plural(len(ended), 'key')} that ended")
        listed = [*working, *ended] if shows_ended else working
        if listed:
            _render_choices(user, listed, zone, now)
        st.caption(FOOTNOTE)
        if not user.workspace.may_administer:
            st.caption(OWN_ONLY)


def describe_keys(keys: Sequence[ApiKey], known: Known, zone: ZoneInfo, now: datetime) -> pd.DataFrame:
    """Keys as a table."""
    rows = [
        {
            "name": key.name,
            "key": key.shown,
            "state": known.explain_block(key, now) or describe_state(key, now, zone),
            "used": key.last_used_at and key.last_used_at.astimezone(zone).date(),
            "project": known.name_project(key),
            "owner": known.emails.get(key.user_id, ""),
            "scopes": describe_scopes(key),
            "requests": key.requests_per_minute,
            "tokens": key.tokens_per_minute,
            "expires": key.expires_at and key.expires_at.astimezone(zone).date(),
        }
        for key in keys
    ]
    return pd.DataFrame(rows, dtype=object)


def list_columns(frame: pd.DataFrame, today: date, has_owners: bool) -> dict[str, Column]:
    """The columns of the table: owners where there are several, limits and ends where a key has any."""
    known = {
        "name": columns.name("Name"),
        "key": columns.fitting_text("Key"),
        "state": columns.fitting_text("State"),
        "used": columns.day("Last used", partial(format_recent_day, today=today)),
        "project": columns.fitting_text("Project", most_width=PROJECT_WIDTH),
        "owner": columns.name("Owner", most_width=PROJECT_WIDTH),
        "scopes": columns.fitting_text("May"),
        "requests": columns.count("Requests/min"),
        "tokens": columns.count("Tokens/min", is_compact=True),
        "expires": columns.day("Expires"),
    }
    hidden = {name for name in ("requests", "tokens", "expires") if frame[name].isna().all()}
    hidden |= set() if has_owners else {"owner"}
    return {name: column for name, column in known.items() if name not in hidden}


def _load_known(user: User) -> Known:
    """Projects, and the people where the user may see keys of others."""
    projects = {project.project_id: project for project in data.load_projects(user)}
    if user.workspace.is_personal or not user.workspace.may_administer:
        return Known(projects, {}, {user.user_id: user.workspace.role})
    people = data.load_people(user)
    return Known(
        projects,
        {person.user_id: person.email for person in people.values()},
        {person.user_id: person.role for person in people.values()},
    )


def _render_choices(user: User, keys: Sequence[ApiKey], zone: ZoneInfo, now: datetime) -> None:
    known = _load_known(user)
    frame = describe_keys(keys, known, zone, now)
    key = f"keys-{hash(tuple(each.id for each in keys))}"
    position = selected_line(key, len(keys))
    _render_actions(user, None if position is None else keys[position], now)
    today = now.astimezone(zone).date()
    lines = [Line(row["name"], _describe_line(row, today)) for row in frame.to_dict("records")]
    render_choices(frame, list_columns(frame, today, bool(known.emails)), ALT, key, lines)


def _describe_line(row: Mapping[Hashable, Any], today: date) -> str:
    used = format_recent_day(row["used"], today) if row["used"] else "Never used"
    return f"{row['key']} · {row['state']} · {used}"


def _render_actions(user: User, key: ApiKey | None, now: datetime) -> None:
    is_own = key is not None and key.user_id == user.user_id
    is_active = key is not None and key.state(now) == "active"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        may_rotate = is_own and is_active and user.workspace.may_write
        if _button("Rotate", "autorenew", may_rotate) and key:
            rotate_key(key)
        may_edit = is_active and (user.workspace.may_write if is_own else user.workspace.may_administer)
        if _button("Edit", "edit", may_edit) and key:
            edit_key(key)
        if _button("Revoke", "block", key is not None and key.works(now)) and key:
            confirm_revocation(key)
        if key is None:
            st.caption("Select a key to change it.")
        elif is_active and not is_own:
            st.caption("Only its owner can rotate it.")


def _button(label: str, icon: str, is_possible: bool) -> bool:
    return st.button(label, icon=f":material/{icon}:", disabled=not is_possible, key=f"key-{label}")
