"""Table of open invitations, and the dialogs that invite, send again and cancel."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app import data
from app.auth import identity
from app.auth.identity import User
from app.data import workspace_changes
from app.figures.members import Person, list_assignable
from app.formats.dates import format_day
from app.formats.text import DASH
from app.ui import columns
from app.ui.danger import confirm_danger
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.notices import explain_refusal, render_warning
from app.views.settings.card import announce_in, render_outcome
from app.views.settings.invitation_mail import deliver_invitation
from app.views.settings.member_dialogs import ROLES, choose_role

MAX_EMAIL_LENGTH = 320
NOTE = "A link works once, for this address only, for 7 days."
COLUMNS = {
    "email": columns.name("Email"),
    "role": columns.text("Role"),
    "invited_by": columns.name("Invited by"),
    "valid_until": columns.day("Valid until"),
    "state": columns.text("State"),
}


def describe_invitations(
    invitations: Sequence[data.Invitation], people: Mapping[str, Person], now: datetime, zone: ZoneInfo
) -> pd.DataFrame:
    """Invitations as a table, for COLUMNS."""
    lines = [
        {
            "email": invitation.email,
            "role": ROLES[invitation.role][0],
            "invited_by": _name_inviter(invitation, people),
            "valid_until": invitation.expires_at.astimezone(zone).date(),
            "state": "Pending" if invitation.expires_at > now else "Expired",
        }
        for invitation in invitations
    ]
    return pd.DataFrame(lines, columns=list(COLUMNS), dtype=object)


def _name_inviter(invitation: data.Invitation, people: Mapping[str, Person]) -> str:
    inviter = people.get(invitation.invited_by or "")
    return inviter.email if inviter else DASH


def render_invitations(user: User, people: Mapping[str, Person]) -> None:
    """The invitations that were not accepted, with buttons for the selected one."""
    invitations = data.load_invitations(user)
    render_outcome("invitations")
    if not invitations:
        return
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.subheader("Invitations", anchor=False, width="content")
        st.caption(NOTE, width="content")
    key = f"invitations-{hash(tuple(invitation.invitation_id for invitation in invitations))}"
    position = selected_line(key, len(invitations))
    _render_actions(None if position is None else invitations[position])
    zone = data.load_preferences(user).zone
    frame = describe_invitations(invitations, people, datetime.now(UTC), zone)
    render_choices(frame, COLUMNS, "Invitations that were not accepted", key, _describe_lines(frame))


def _describe_lines(frame: pd.DataFrame) -> list[Line]:
    return [
        Line(row["email"], f"{row['role']} · {row['state']}, valid until {format_day(row['valid_until'])}")
        for row in frame.to_dict("records")
    ]


def _render_actions(invitation: data.Invitation | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if _render_button("Send again", "forward_to_inbox", invitation) and invitation:
            send_again(invitation)
        if _render_button("Cancel invitation", "close", invitation) and invitation:
            confirm_cancellation(invitation)
        if invitation is None:
            st.caption("Select an invitation to send it again or cancel it.")


def _render_button(label: str, icon: str, invitation: data.Invitation | None) -> bool:
    return st.button(label, icon=f":material/{icon}:", disabled=invitation is None, key=label)


@st.dialog("Invite to this workspace", icon=":material/person_add:", on_dismiss="rerun")
def invite_person() -> None:
    """Ask for an address and a role; sends the invitation, or shows its link."""
    user = identity.current_user()
    with st.form("invitation", border=False):
        email = st.text_input("Email", max_chars=MAX_EMAIL_LENGTH, placeholder="grace@example.com")
        roles = [role for role in list_assignable(user.workspace.role) if role != "owner"]
        role = choose_role(roles, "member")
        st.caption(NOTE)
        is_sent = st.form_submit_button("Invite", type="primary", width="stretch")
    if is_sent:
        _invite(user, email.strip(), role)


@st.dialog("Send this invitation again?", icon=":material/forward_to_inbox:", on_dismiss="rerun")
def send_again(invitation: data.Invitation) -> None:
    """Replace an invitation by a new one, whose link is valid for another 7 days."""
    user = identity.current_user()
    st.text(invitation.email)
    st.caption("A new link replaces the old one, which stops working.")
    if st.button("Send again", type="primary", width="stretch", key="confirm-again"):
        _invite(user, invitation.email, invitation.role)


@st.dialog("Cancel this invitation?", icon=":material/close:")
@explain_refusal
def confirm_cancellation(invitation: data.Invitation) -> None:
    """Confirm, then cancel."""
    user = identity.current_user()
    st.text(invitation.email)
    st.caption("The link that was sent stops working.")
    if not confirm_danger("Cancel invitation", otherwise="Keep it"):
        return
    workspace_changes.cancel_invitation(user, invitation.invitation_id)
    announce_in("invitations", f"Invitation of {invitation.email} cancelled.")
    st.rerun()


@explain_refusal
def _invite(user: User, email: str, role: str) -> None:
    with st.spinner("Sending…"):
        invitation = workspace_changes.invite(user, email, role)
        delivery = deliver_invitation(user, invitation, role)
    if delivery.is_sent:
        announce_in("invitations", f"Invitation sent to {invitation.email}.")
        st.rerun()
    render_warning(delivery.problem)
    st.code(delivery.link, language=None, wrap_lines=True)
