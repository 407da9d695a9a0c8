"""Events of a budget, newest first, and the channels that they were delivered to."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.alert_words import describe_alert
from app.figures.channels import RECORDED_ONLY, describe_deliveries
from app.formats.dates import format_instant
from app.formats.text import escape_markdown
from app.ui.cards import render_heading
from tally.budgets.status import BudgetStatus
from tally.notifications.facts import Facts

ICONS = {"info": "info", "warning": "warning", "critical": "error"}


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
    told = describe_alert("budget", Facts(event["facts"], zone))
    with st.container(gap=None):
        icon = ICONS.get(event["severity"], "info")
        st.markdown(f":material/{icon}: {escape_markdown(told.title)}")
        notes = [format_instant(datetime.fromisoformat(event["occurred_at"]), zone), *told.sentences]
        notes += [RECORDED_ONLY[event["state"]]] if event["state"] in RECORDED_ONLY else []
        if event["cleared_at"]:
            notes.append(f"cleared {format_instant(datetime.fromisoformat(event['cleared_at']), zone)}")
        notes += describe_deliveries(event["deliveries"], zone)
        st.caption(escape_markdown(" · ".join(notes)))
