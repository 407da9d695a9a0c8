"""Settings card: the channels of alerts, and their history."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.auth import identity
from app.auth.identity import User
from app.data import channels
from app.figures.channels import KINDS, Channel, describe_state, describe_wishes, explain_state
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.danger import confirm_danger
from app.ui.line_list import Line, render_choices, render_lines, selected_line
from app.ui.notices import explain_refusal, render_refusal, render_warning
from app.views.settings.alert_history import render_history
from app.views.settings.card import announce_in
from app.views.settings.channel_form import TESTED, add_channel, change_channel

POLL_SECONDS = 1
INTRODUCTION = (
    "Budgets, days out of the ordinary and sources without data reach people here: by email, in Slack, "
    "Discord, Microsoft Teams, PagerDuty, Telegram or ntfy, or as a signed webhook."
)
COLUMNS = {
    "name": columns.name("Channel"),
    "kind": columns.text("Service"),
    "hint": columns.name("Target"),
    "wishes": columns.fitting_text("Messages"),
    "state": columns.fitting_text("State"),
}
ALT = "Channels of alerts"


def render_channels(user: User, zone: ZoneInfo) -> None:
    """The channels, with buttons for admins, and the history of alerts."""
    may_change = user.workspace.may_administer
    found = channels.load_channels(user)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.header("Notifications", anchor=False, width="content")
        if may_change and st.button(
            "Add channel", type="secondary" if found else "primary", icon=":material/add:", key="add-channel"
        ):
            add_channel()
    if not found:
        st.caption(INTRODUCTION if may_change else "Alerts go nowhere yet. An admin can add channels.")
    _render_list(user, found, may_change)
    if TESTED in st.session_state:
        _render_test(st.session_state[TESTED])
    render_history(user, zone)


def describe_channels(found: Sequence[Channel]) -> pd.DataFrame:
    """Channels as a table, for COLUMNS."""
    rows = [
        {
            "name": channel.name,
            "kind": KINDS[channel.kind],
            "hint": channel.hint,
            "wishes": describe_wishes(channel),
            "state": describe_state(channel),
        }
        for channel in found
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def _render_list(user: User, found: Sequence[Channel], may_change: bool) -> None:
    if not found:
        return
    frame = describe_channels(found)
    lines = [
        Line(channel.name, f"{KINDS[channel.kind]} · {describe_wishes(channel)} · {describe_state(channel)}")
        for channel in found
    ]
    if not may_change:
        render_lines(frame, COLUMNS, ALT, "channels", lines)
        return
    key = f"channels-{hash(tuple(channel.channel_id for channel in found))}"
    position = selected_line(key, len(found))
    _render_actions(user, None if position is None else found[position])
    render_choices(frame, COLUMNS, ALT, key, lines)
    for channel in found:
        if explanation := explain_state(channel):
            st.caption(f"**{escape_markdown(channel.name)}**: {escape_markdown(explanation)}")


def _render_actions(user: User, channel: Channel | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if _button("Change", "edit", channel) and channel:
            change_channel(channel)
        if _button("Send test", "send", channel) and channel:
            _send_test(user, channel)
        is_off = channel is not None and channel.is_off
        label, icon = ("Resume", "play_arrow") if is_off else ("Pause", "pause")
        if _button(label, icon, channel) and channel:
            _switch(user, channel, is_paused=not is_off)
        if _button("Remove", "delete", channel) and channel:
            confirm_removal(channel)
        if channel is None:
            st.caption("Select a channel to change, test, pause or remove it.")


def _button(label: str, icon: str, channel: Channel | None) -> bool:
    return st.button(label, icon=f":material/{icon}:", disabled=channel is None, key=f"channel-{label}")


@explain_refusal
def _send_test(user: User, channel: Channel) -> None:
    st.session_state[TESTED] = channels.send_test(user, channel.channel_id)
    st.rerun()


@explain_refusal
def _switch(user: User, channel: Channel, is_paused: bool) -> None:
    channels.pause_channel(user, channel.channel_id, is_paused)
    announce_in("channels", f"{channel.name} {'paused' if is_paused else 'gets alerts again'}.")
    st.rerun()


@st.dialog("Remove this channel?", icon=":material/delete:")
@explain_refusal
def confirm_removal(channel: Channel) -> None:
    """Explain the effect, confirm, then remove."""
    user = identity.current_user()
    st.text(channel.name)
    st.caption("It gets no more alerts, and its target is deleted. What was sent stays in the history.")
    if not confirm_danger("Remove channel"):
        return
    channels.remove_channel(user, channel.channel_id)
    announce_in("channels", f"{channel.name} removed.")
    st.rerun()


@st.fragment(run_every=POLL_SECONDS)
def _render_test(delivery_id: str) -> None:
    """The end of a test, as soon as it is known."""
    user = identity.current_user()
    delivery = channels.load_delivery(user, delivery_id)
    if delivery is None:
        st.session_state.pop(TESTED, None)
        st.rerun()
    elif delivery.state == "sent":
        st.session_state.pop(TESTED, None)
        announce_in("channels", f"{delivery.channel}: the message was delivered.")
        st.rerun()
    elif delivery.state == "failed":
        render_refusal(f"{delivery.channel}: {delivery.problem}")
    elif delivery.attempts:
        render_warning(f"{delivery.channel}: {delivery.problem} Tally tries again.")
    else:
        st.caption(f"{escape_markdown(delivery.channel)}: a message is on its way…")
