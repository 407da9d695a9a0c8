"""The history of alerts: each event, and each attempt to tell it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.auth.identity import User
from app.data import channels
from app.figures.alert_words import describe_alert
from app.figures.channels import (
    EVENTS,
    RECORDED_ONLY,
    SEVERITIES,
    AlertEvent,
    Delivery,
    explain_delivery,
    summarise_deliveries,
)
from app.formats.dates import format_instant
from app.formats.text import escape_markdown
from app.ui import columns
from app.ui.line_list import Line, render_choices, render_lines, selected_line
from tally.notifications.facts import Facts

ALT = "Alerts, newest first"


def render_history(user: User, zone: ZoneInfo) -> None:
    """The newest alerts, for admins with the outcome of each message."""
    events = channels.load_events(user)
    if not events:
        if user.workspace.may_administer and channels.load_channels(user):
            st.caption("No alert yet.")
        return
    st.subheader("History", anchor=False)
    if not user.workspace.may_administer:
        frame = describe_events(events, {}, zone)
        render_lines(frame.drop(columns="deliveries"), _columns(zone), ALT, "alerts", _lines(frame, zone))
        return
    by_event = _group(channels.load_deliveries(user, events))
    frame = describe_events(events, by_event, zone)
    key = f"alerts-{hash(tuple(event.event_id for event in events))}"
    position = selected_line(key, len(events))
    render_choices(frame, _columns(zone), ALT, key, _lines(frame, zone))
    if position is None:
        st.caption("Select an alert to see what it said, and each attempt to deliver it.")
    else:
        event = events[position]
        _render_event(user, event, by_event.get(event.event_id, []), zone)
    if len(events) == channels.EVENTS_SHOWN:
        st.caption(f"The newest {channels.EVENTS_SHOWN} are shown.")


def describe_events(
    events: Sequence[AlertEvent], by_event: Mapping[str, Sequence[Delivery]], zone: ZoneInfo
) -> pd.DataFrame:
    """Events as a table."""
    rows = [
        {
            "when": event.occurred_at,
            "what": title_of(event, zone),
            "severity": SEVERITIES[event.severity],
            "state": EVENTS[event.state],
            "deliveries": summarise_deliveries(by_event.get(event.event_id, [])),
        }
        for event in events
    ]
    return pd.DataFrame(rows, dtype=object)


def title_of(event: AlertEvent, zone: ZoneInfo) -> str:
    """The title of an event, as messages have it."""
    return describe_alert(event.kind, Facts(event.facts, zone)).title


def _columns(zone: ZoneInfo) -> dict[str, columns.Column]:
    return {
        "when": columns.instant("When", zone),
        "what": columns.fitting_text("Alert", most_width=320),
        "severity": columns.text("Severity"),
        "state": columns.text("State"),
        "deliveries": columns.fitting_text("Messages", most_width=320),
    }


def _lines(frame: pd.DataFrame, zone: ZoneInfo) -> list[Line]:
    return [
        Line(row["what"], f"{format_instant(row['when'], zone)} · {row['state']} · {row['deliveries']}")
        for row in frame.to_dict("records")
    ]


def _group(deliveries: Sequence[Delivery]) -> dict[str, list[Delivery]]:
    grouped: defaultdict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        if delivery.event_id is not None:
            grouped[delivery.event_id].append(delivery)
    return grouped


def _render_event(user: User, event: AlertEvent, deliveries: Sequence[Delivery], zone: ZoneInfo) -> None:
    """The text of an event, and each attempt to tell it."""
    told = describe_alert(event.kind, Facts(event.facts, zone))
    with st.container(border=True, gap="small"):
        st.text("\n".join([told.title, *told.sentences]))
        if event.state in RECORDED_ONLY:
            st.caption(f"This alert was {RECORDED_ONLY[event.state]}.")
        elif not deliveries:
            st.caption("No message was sent: there was no channel.")
        if not deliveries:
            return
        names = {delivery.delivery_id: delivery for delivery in deliveries}
        attempts = channels.load_attempts(user, deliveries)
        rows = [
            {
                "at": attempt.at,
                "channel": names[attempt.delivery_id].channel,
                "outcome": attempt.problem or "Delivered.",
            }
            for attempt in attempts
        ]
        if rows:
            frame = pd.DataFrame(rows, dtype=object)
            render_lines(
                frame,
                {
                    "at": columns.instant("When", zone),
                    "channel": columns.name("Channel"),
                    "outcome": columns.fitting_text("Outcome", most_width=520),
                },
                "Attempts to deliver this alert",
                "attempts",
                [
                    Line(
                        names[attempt.delivery_id].channel,
                        f"{format_instant(attempt.at, zone)} · {attempt.problem or 'Delivered.'}",
                    )
                    for attempt in attempts
                ],
            )
        for delivery in deliveries:
            if told_of := explain_delivery(delivery, zone):
                st.caption(escape_markdown(told_of))
