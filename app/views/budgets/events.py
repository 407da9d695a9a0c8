"""Events of a budget, newest first, and the channels that they were delivered to."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth.identity import User
from app.formats.dates import format_instant
from app.formats.text import escape_markdown
from app.ui.cards import render_heading
from tally.budgets.status import BudgetStatus
from tally.notifications.facts import Facts
from tally.notifications.texts import describe_event

ICONS = {"info": "info", "warning": "warning", "critical": "error"}
STATES = {
    "superseded": "a higher threshold was crossed at once",
    "late": "recorded only, as its period is long over",
}
DELIVERED = {
    "sent": "sent to",
    "failed": "could not reach",
    "waiting": "on its way to",
    "held": "waits for quiet hours of",
}


def render_events(user: User, status: BudgetStatus, zone: ZoneInfo) -> None:
    """The newest events of the budget."""
    with st.container(border=True, gap="small"):
        events = data.load_budget_events(user, status.budget.id)
        render_heading("What happened", "newest first" if events else "")
        if not events:
            st.caption("Nothing yet. Each threshold tells once in a period.")
        for event in events:
            _render_event(event, zone)


def _render_event(event: dict[str, Any], zone: ZoneInfo) -> None:
    told = describe_event("budget", Facts(event["facts"], zone), is_cleared=False)
    with st.container(gap=None):
        icon = ICONS.get(event["severity"], "info")
        st.markdown(f":material/{icon}: {escape_markdown(told.title)}")
        notes = [format_instant(datetime.fromisoformat(event["occurred_at"]), zone), *told.sentences]
        notes += [STATES[event["state"]]] if event["state"] in STATES else []
        if event["cleared_at"]:
            notes.append(f"cleared {format_instant(datetime.fromisoformat(event['cleared_at']), zone)}")
        notes += _describe_deliveries(event["deliveries"])
        st.caption(escape_markdown(" · ".join(notes)))


def _describe_deliveries(deliveries: Sequence[dict[str, Any]]) -> list[str]:
    """Channels by the state of their delivery; only admins are shown any."""
    return [
        f"{DELIVERED[state]} {', '.join(names)}"
        for state in DELIVERED
        if (
            names := [
                one["channel_name"] for one in deliveries if one["state"] == state and one["kind"] == "open"
            ]
        )
    ]
