"""Alerts about budgets since the last look: one line that leads to them, and the note that they were read."""

from collections.abc import Sequence
from contextlib import suppress
from zoneinfo import ZoneInfo

import streamlit as st

from app import data
from app.auth.identity import User
from app.figures.alert_words import describe_alert
from app.formats.text import escape_markdown
from app.parts.budget_address import BUDGET
from app.ui.navigation import switch_page
from tally.budgets.status import BudgetStatus
from tally.core.text import plural
from tally.notifications.facts import Facts
from tally.storage.database import DatabaseError


def render_unread_alerts(user: User, statuses: Sequence[BudgetStatus], zone: ZoneInfo) -> None:
    """The newest alert that was not read, with the number of others, as a button that opens their budget."""
    alerts = data.load_unread_alerts(user) if statuses else []
    if not alerts:
        return
    told = describe_alert("budget", Facts(alerts[0].facts, zone))
    label = escape_markdown(told.title)
    if others := alerts[1:]:
        label += f", and {plural(len(others), 'more alert')}"
    if st.button(label, icon=":material/notifications:", type="tertiary", key="unread_alerts"):
        budgets = {alert.budget_id for alert in alerts}
        is_one = len(budgets) == 1 and not budgets.isdisjoint(status.budget.id for status in statuses)
        switch_page("budgets", **({BUDGET: budgets.pop()} if is_one else {}))


def note_alerts_seen(user: User) -> None:
    """Note that the alerts about budgets were seen; should that fail, they are named again."""
    with suppress(DatabaseError):
        if alerts := data.load_unread_alerts(user):
            data.note_read_alerts(user, alerts)
