"""Table of members with their limits and use, and the buttons that change one."""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.members import Person, Use, calculate_share, describe_own_limit, may_change
from app.formats.counts import format_count
from app.formats.dates import format_recent_day
from app.formats.money import format_limit, format_money
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.columns import Column
from app.ui.line_list import Line, render_choices, render_lines, selected_line
from app.views.settings.invitations import invite_person
from app.views.settings.member_dialogs import change_role, confirm_removal, set_limit

ROLES = {"owner": "Owner", "admin": "Admin", "member": "Member", "viewer": "Viewer"}
ALT = "Members of the workspace by role"
ABOVE = "This person's role is above yours. Only an owner can change it."


def list_columns(today: date, currency: str) -> dict[str, Column]:
    """The columns of the table of members."""
    return {
        "member": columns.name("Member"),
        "role": columns.text("Role"),
        "this_month": columns.money("This month", currency),
        "used": columns.use("Used"),
        "usd_limit": columns.number("Monthly limit", partial(format_limit, currency="USD")),
        "token_limit": columns.number("Token limit", format_count),
        "last_active": columns.day("Last active", partial(format_recent_day, today=today)),
    }


def describe_members(
    members: list[Person], use: Mapping[str, Use], user_id: str, is_admin: bool
) -> pd.DataFrame:
    """Members as a table; without the costs and limits of others, which only admins know."""
    lines = [_describe(person, use.get(person.user_id, Use()), user_id) for person in members]
    frame = pd.DataFrame(lines, dtype=object)
    return frame if is_admin else frame[["member", "role"]]


def describe_line(person: Person, use: Use, currency: str, today: date) -> str:
    """A member's role, use, limits and last activity in one line."""
    limits = [format_limit(person.monthly_usd, "USD")] if person.monthly_usd else []
    limits += [f"{format_count(person.monthly_tokens)} tokens"] if person.monthly_tokens else []
    parts = [ROLES.get(person.role or "", ""), f"{format_money(use.amount, currency)} this month"]
    if limits:
        parts.append(f"limit {' and '.join(limits)}, {calculate_share(person, use) or 0:.0f}% used")
    if person.last_active:
        parts.append(f"last active: {format_recent_day(person.last_active, today)}")
    return " · ".join(parts)


def _describe(person: Person, use: Use, user_id: str) -> dict[str, Any]:
    return {
        "member": _label(person, user_id),
        "role": ROLES.get(person.role or "", ""),
        "usd_limit": person.monthly_usd,
        "token_limit": person.monthly_tokens,
        "this_month": use.amount,
        "used": calculate_share(person, use),
        "last_active": person.last_active,
    }


def render_members(user: User, people: Mapping[str, Person], use: Mapping[str, Use], today: date) -> None:
    """The members; admins see limits and the use of this month, everyone sees their own."""
    is_admin = user.workspace.may_administer
    currency = data.load_currency(user).code
    members = [person for person in people.values() if person.role is not None]
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header("Members", anchor=False, width="content")
        if is_admin and st.button("Invite", type="primary", icon=":material/person_add:", key="invite"):
            invite_person()
    key = f"members-{hash(tuple(person.user_id for person in members))}"
    frame, kinds = describe_members(members, use, user.user_id, is_admin), list_columns(today, currency)
    lines = [
        Line(
            _label(person, user.user_id),
            describe_line(person, use.get(person.user_id, Use()), currency, today),
        )
        for person in members
    ]
    if not is_admin:
        st.caption(escape_markdown(describe_own_limit(people[user.user_id], use.get(user.user_id, Use()))))
        render_lines(frame, kinds, ALT, key, lines)
        return
    position = selected_line(key, len(members))
    _render_actions(user, None if position is None else members[position])
    render_choices(frame, kinds, ALT, key, lines)


def _label(person: Person, user_id: str) -> str:
    return f"{person.email} (you)" if person.user_id == user_id else person.email


def _render_actions(user: User, person: Person | None) -> None:
    is_fixed = person is None or not may_change(user.workspace.role, person.role)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Change role", icon=":material/edit:", disabled=is_fixed, key="role") and person:
            change_role(person)
        if st.button("Set limit", icon=":material/payments:", disabled=is_fixed, key="limit") and person:
            set_limit(person)
        is_self = person is not None and person.user_id == user.user_id
        is_kept = is_fixed or is_self
        if st.button("Remove", icon=":material/person_remove:", disabled=is_kept, key="remove") and person:
            confirm_removal(person)
        if person is None:
            st.caption("Select a member to change the role or the limit.")
        elif is_fixed:
            st.caption(ABOVE)
        elif is_self:
            st.caption("To remove yourself, leave the workspace below.")
