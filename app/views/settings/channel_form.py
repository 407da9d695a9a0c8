"""The form of a channel: its target, and the times of its messages."""

from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID, uuid4

import streamlit as st

from app.auth import identity
from app.auth.identity import User
from app.data import channels
from app.figures.channels import KINDS as TITLES
from app.figures.channels import Channel
from app.formats.text import escape_markdown
from app.ui.notices import render_refusal
from app.views.settings.card import announce_in
from tally.core.errors import TallyError
from tally.core.settings import load_settings
from tally.notifications.checking import check_target
from tally.notifications.senders import FOR_PROGRAMS, KINDS
from tally.notifications.senders.protocol import Field
from tally.notifications.targets import Owner, seal_target
from tally.secrets.key_ring import load_key_ring

MAX_NAME_LENGTH = 100
MAX_TARGET_LENGTH = 2_000
TESTED = "tested-delivery"  # the message whose end the page waits for
AT_ONCE, DAILY = "At once", "One digest a day"
NIGHT = (time(22), time(8))
DAYS = "One message once a day is over, and another when its costs change, such as by a bill."
SECRET = "This is the signing secret. It is shown only now: copy it to your server."  # noqa: S105 - no secret


@dataclass(frozen=True, slots=True)
class Filled:
    """The form as it was sent."""

    name: str
    target: dict[str, str]
    wishes: dict[str, Any]


@st.dialog("Add a channel", icon=":material/add_alert:", on_dismiss="rerun")
def add_channel() -> None:
    """Ask for a service and a target there; a message verifies it."""
    user = identity.current_user()
    kind = st.selectbox("Service", list(TITLES), format_func=TITLES.__getitem__)
    st.caption(escape_markdown(KINDS[kind].HELP))
    with st.form(f"channel-{kind}", border=False):
        name = st.text_input("Name", TITLES[kind], max_chars=MAX_NAME_LENGTH)
        target = {
            field.name: _render_field(field) for field in KINDS[kind].FIELDS if field.name != "old_secret"
        }
        wishes = _render_wishes(Channel("", kind, "", ""))
        is_sent = st.form_submit_button("Add and test", type="primary", width="stretch")
    if is_sent:
        _save(user, kind, str(uuid4()), Filled(name, target, wishes))


@st.dialog("Change this channel", icon=":material/edit:", on_dismiss="rerun")
def change_channel(channel: Channel) -> None:
    """Change the name, the hours or the target, which is never shown."""
    user, kind = identity.current_user(), channel.kind
    st.text(f"{TITLES[kind]}: {channel.hint}")
    is_replaced = st.checkbox(
        "Replace the target", help="It is encrypted and not shown. A new one is tested."
    )
    with st.form(f"channel-{channel.channel_id}", border=False):
        name = st.text_input("Name", channel.name, max_chars=MAX_NAME_LENGTH)
        fields = KINDS[kind].FIELDS if is_replaced else ()
        target = {field.name: _render_field(field) for field in fields}
        wishes = _render_wishes(channel)
        is_sent = st.form_submit_button("Save", type="primary", width="stretch")
    if is_sent:
        _save(user, kind, channel.channel_id, Filled(name, target, wishes))


def _render_field(field: Field) -> str:
    if field.choices:
        labels = dict(field.choices)
        return st.selectbox(field.label, list(labels), format_func=labels.__getitem__)
    label = f"{field.label} (optional)" if field.is_optional else field.label
    return st.text_input(
        label,
        type="password" if field.is_secret else "default",
        max_chars=MAX_TARGET_LENGTH,
        placeholder=field.example or None,
        autocomplete="new-password" if field.is_secret else "off",
        help=field.help or None,
    )


def _render_wishes(channel: Channel) -> dict[str, Any]:
    """Quiet hours, and a digest where people read the messages."""
    digest = "none"
    if channel.kind not in FOR_PROGRAMS:
        chosen = st.radio("Messages", [AT_ONCE, DAILY], index=int(channel.is_daily), horizontal=True)
        digest = "daily" if chosen == DAILY else "none"
    is_quiet = st.checkbox(
        "Quiet hours", channel.quiet is not None, help="Messages wait until they end, then come as one."
    )
    begin, end = channel.quiet or NIGHT
    with st.container(horizontal=True, gap="small"):
        quiet_from = st.time_input("From", begin, step=900)
        quiet_to = st.time_input("To", end, step=900)
    urgent = st.checkbox("Critical alerts come at once", channel.urgent_passes)
    sends_days = channel.kind == "webhook" and st.checkbox("Costs of each day", channel.sends_days, help=DAYS)
    return {
        "sends_days": sends_days,
        "quiet_from": f"{quiet_from:%H:%M}" if is_quiet and quiet_from else None,
        "quiet_to": f"{quiet_to:%H:%M}" if is_quiet and quiet_to else None,
        "urgent_passes": urgent,
        "digest": digest,
    }


def _save(user: User, kind: str, channel_id: str, filled: Filled) -> None:
    """Check, encrypt and save; a new target is tested."""
    wishes = filled.wishes
    if wishes["quiet_from"] is not None and wishes["quiet_from"] == wishes["quiet_to"]:
        render_refusal("Quiet hours begin and end at the same time. Choose another end.")
        return
    details = {"kind": kind, "name": filled.name.strip(), **wishes}
    secret = ""
    try:
        if filled.target:
            settings = load_settings()
            target = check_target(kind, filled.target, settings)
            owner = Owner(UUID(user.workspace.workspace_id), UUID(channel_id), kind)
            sealed = seal_target(load_key_ring(settings), target, owner)
            details |= {
                "hint": KINDS[kind].describe(target),
                "sealed_target": sealed.envelope,
                "encryption_key_id": sealed.key_id,
                "stop_token": target.get("stop_token", ""),
            }
            secret = target.get("secret", "")
        enqueued = channels.save_channel(user, channel_id, details)
    except TallyError as problem:
        render_refusal(problem)
        return
    if enqueued:
        st.session_state[TESTED] = enqueued
    if secret:
        st.caption(SECRET)
        st.code(secret, language=None, wrap_lines=True)
        return
    if not enqueued:
        announce_in("channels", f"{filled.name.strip()} saved.")
    st.rerun()
