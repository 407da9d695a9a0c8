"""The most expensive sessions of the chosen month; a row opens one."""

from datetime import datetime
from functools import partial

import pandas as pd
import streamlit as st

from app.figures.agent_usage import Sessions, SessionUse
from app.formats.counts import format_count
from app.formats.dates import format_short_day
from app.formats.durations import format_duration
from app.formats.money import format_money
from app.formats.text import DASH
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_lines
from app.views.agents.address import Shown, address_of_session, title_agent
from tally.core.text import plural


def render_sessions(shown: Shown, found: Sessions) -> None:
    """The sessions of most value."""
    with st.container(border=True):
        render_heading("Most expensive sessions", f"{shown.month}, {plural(found.total, 'session')}")
        if not found.rows:
            st.caption("No request of this month names its session.")
            return
        code = shown.currency.code
        kinds = {
            "started": columns.moment("Started", partial(_format_start, shown)),
            "repository": columns.name("Repository", most_width=140),
            "branch": columns.name("Branch", most_width=150),
            "value": columns.money("Value", code),
            "agent": columns.text("Agent"),
            "models": columns.name("Models", most_width=130),
            "requests": columns.count("Requests"),
            "duration": columns.number("Duration", lambda us: format_duration(us)),
            "context": columns.number("Context", _show_context, max),
        }
        frame = pd.DataFrame([_describe(row) for row in found.rows], dtype=object)
        lines = [_describe_line(row, shown) for row in found.rows]
        render_lines(frame, kinds, "The most expensive sessions", "agent_sessions", lines)
        st.caption("Select a session to see every request. Prompts and answers are never stored.")


def _format_start(shown: Shown, first_at: datetime) -> str:
    local = first_at.astimezone(shown.zone)
    return f"{format_short_day(local.date(), shown.today)}, {local:%H:%M}"


def _microseconds(row: SessionUse) -> float:
    return (row.last_at - row.first_at).total_seconds() * 1_000_000


def _show_context(sizes: tuple[int, int]) -> str:
    first, most = (format_count(size) for size in sizes)
    return most if first == most else f"{first} {DASH} {most}"


def _describe(row: SessionUse) -> dict[str, object]:
    return {
        "started": row.first_at,
        "repository": row.repository,
        "branch": row.branch,
        "agent": title_agent(row.agent),
        "models": ", ".join(model.removeprefix("claude-") for model in row.models),
        "requests": row.requests,
        "duration": _microseconds(row),
        "context": (row.first_context, row.most_context) if row.most_context else None,
        "value": row.money.value,
    }


def _describe_line(row: SessionUse, shown: Shown) -> Line:
    name = row.repository or title_agent(row.agent) or row.session
    details = (
        _format_start(shown, row.first_at),
        row.branch,
        plural(row.requests, "request"),
        format_money(row.money.value, shown.currency.code),
    )
    return Line(
        f"{name} · {row.session[-6:]}",  # many sessions have one repository
        " · ".join(part for part in details if part),
        address_of_session(row.session),
    )
