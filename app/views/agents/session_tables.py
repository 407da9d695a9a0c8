"""The gaps and the requests of a session as tables."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.figures.agent_session import Gap, Request, Session
from app.formats.counts import format_count
from app.formats.money import NO_PRICE, format_money
from app.formats.text import DASH
from app.ui import columns
from app.ui.cards import render_heading
from app.ui.line_list import Line, render_lines
from tally.core.text import plural

PAGE_ROWS = 25
GAPS_SHOWN = 25
MINUTE = timedelta(minutes=1)


def describe_pause(gap: Gap) -> str:
    """A pause in minutes: 47 min."""
    return f"{round(gap.pause / MINUTE):,} min"


def render_gaps(session: Session, zone: ZoneInfo, code: str) -> None:
    """Pauses after which the cache was gone."""
    gaps = session.gaps
    render_heading("Gaps beyond the cache's life")
    if not gaps:
        st.caption("No pause of this session was followed by a cache miss.")
        return
    rows = [
        {
            "request": f"#{gap.nth}",
            "idle": f"{gap.began_at.astimezone(zone):%H:%M} {DASH} {gap.ended_at.astimezone(zone):%H:%M}",
            "gap": gap.pause / MINUTE,
            "lost": gap.lost,
            "model": gap.model,
            "extra": gap.extra,
        }
        for gap in gaps[:GAPS_SHOWN]
    ]
    kinds = {
        "request": columns.text("Request"),
        "idle": columns.text("Idle"),
        "gap": columns.number("Gap", lambda minutes: f"{round(minutes):,} min"),
        "lost": columns.count("Tokens missed", is_compact=True),
        "model": columns.name("Model", most_width=150),
        "extra": columns.money("Extra cost", code),
    }
    lines = [
        Line(
            f"#{gap.nth}, {describe_pause(gap)}",
            f"{format_count(gap.lost)} tokens missed · "
            + (NO_PRICE if gap.extra is None else format_money(gap.extra, code)),
        )
        for gap in gaps[:GAPS_SHOWN]
    ]
    render_lines(pd.DataFrame(rows, dtype=object), kinds, "Gaps of the session", "session_gaps", lines)
    if len(gaps) > GAPS_SHOWN:
        st.caption(f"The first {GAPS_SHOWN} of {len(gaps):,} gaps.")


def render_requests(session: Session, zone: ZoneInfo, code: str) -> None:
    """Every request, page by page."""
    render_heading("Requests", "Prompts and answers are never stored")
    rows = session.rows
    pages = -(-len(rows) // PAGE_ROWS)
    key = f"session-page-{session.name[:200]}"
    page = min(st.session_state.get(key) or 1, pages)
    first = (page - 1) * PAGE_ROWS
    shown = rows[first : first + PAGE_ROWS]
    lines = [describe_line(row, zone, code) for row in shown]
    frame = describe_requests(shown, zone)
    render_lines(frame, list_columns(code), "Requests in order", "session_requests", lines, NO_PRICE)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(
            f"{first + 1:,} to {first + len(shown):,} of {plural(len(rows), 'request')}", width="content"
        )
        if pages > 1:
            st.pagination(pages, key=key)
    if session.records > len(rows):
        st.caption(
            f"These are the first {len(rows):,} of {session.records:,}; the figures above count all of them, "
            "gaps and cache those shown."
        )


def list_columns(code: str) -> dict[str, columns.Column]:
    """The columns of the table of requests."""
    return {
        "nth": columns.count("#"),
        "time": columns.text("Time"),
        "model": columns.name("Model", most_width=170),
        "value": columns.money("Value", code),
        "so_far": columns.money("So far", code),
        "note": columns.fitting_text("Note"),
        "input": columns.count("Input", "Neither read from a cache nor written to one"),
        "cached": columns.count("Cache read"),
        "written": columns.count("Cache write"),
        "output": columns.count("Output"),
        "context": columns.count("Context", "All input tokens"),
    }


def describe_requests(rows: Sequence[Request], zone: ZoneInfo) -> pd.DataFrame:
    """A page of requests as a table."""
    return pd.DataFrame(
        [
            {
                "nth": row.nth,
                "time": f"{row.at.astimezone(zone):%H:%M:%S}",
                "model": row.model,
                "value": row.value,
                "so_far": row.so_far,
                "note": describe_note(row),
                "input": row.counts.uncached,
                "cached": row.counts.cached,
                "written": row.counts.written,
                "output": row.counts.output_tokens,
                "context": row.counts.input_tokens,
            }
            for row in rows
        ],
        dtype=object,
    )


def describe_line(row: Request, zone: ZoneInfo, code: str) -> Line:
    """A request on narrow pages."""
    value = NO_PRICE if row.value is None else format_money(row.value, code)
    counts = row.counts
    tokens = (("in", counts.uncached), ("cached", counts.cached), ("written", counts.written))
    told = [
        f"{format_count(count)} {what}" for what, count in (*tokens, ("out", counts.output_tokens)) if count
    ]
    details = [f"{row.at.astimezone(zone):%H:%M:%S}", row.model, ", ".join(told), describe_note(row)]
    name = f"#{row.nth}, {value}, {format_money(row.so_far, code)} so far"
    return Line(name, " · ".join(part for part in details if part))


def describe_note(row: Request) -> str:
    """A note on a request: the pause before it, or a cleared context."""
    if row.gap:
        return f"{describe_pause(row.gap)} gap"
    return "context cleared" if row.is_cleared else ""
