"""The channels that hear of a budget, as icons."""

from collections.abc import Sequence

import streamlit as st

from app.figures.channels import Channel
from app.formats.text import escape_markdown
from tally.budgets.status import BudgetStatus, State

ICONS = {
    "email": "mail",
    "slack": "forum",
    "discord": "forum",
    "teams": "groups",
    "pagerduty": "notifications_active",
    "telegram": "send",
    "ntfy": "notifications",
    "webhook": "webhook",
}
OFF = "off"


def select_channels(status: BudgetStatus, channels: Sequence[Channel]) -> list[Channel]:
    """The active channels that hear of a budget: its own, or all of them."""
    own = status.budget.channels
    return [one for one in channels if one.is_active and (not own or one.channel_id in own)]


def show_channels(status: BudgetStatus, channels: Sequence[Channel]) -> None:
    """The icons of the channels, or that nobody hears of the budget."""
    heard = select_channels(status, channels)
    if not heard or not status.budget.thresholds or status.state == State.PAUSED:
        st.caption(OFF)
        return
    kinds = list(dict.fromkeys(ICONS.get(channel.kind, "notifications") for channel in heard))
    names = ", ".join(channel.name for channel in heard)
    st.caption(" ".join(f":material/{icon}:" for icon in kinds), help=escape_markdown(names))
