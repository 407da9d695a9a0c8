"""The list of traces: filters, duration against cost, and a page of traces or of sessions."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import data
from app.auth.identity import User
from app.figures.currencies import Currency
from app.figures.engine_words import describe_source
from app.figures.trace_words import STATUSES, describe_cost, describe_models
from app.formats.counts import format_rate
from app.formats.dates import format_instant
from app.formats.durations import format_duration
from app.formats.money import format_money
from app.formats.text import escape_markdown
from app.ui import charts, columns
from app.ui.line_list import Line, render_choices, selected_line
from app.ui.navigation import switch_page
from app.ui.theme import current_palette
from app.ui.titles import title_row
from app.views.traces.address import SESSION, leave, open_session, open_trace
from app.views.traces.trace_file import render_upload
from tally.core.text import plural
from tally.traces.lists import PAGE_ROWS, SessionSummary, Sort, Summary, TraceFilter, TraceList

PERIODS = {"1H": 1, "24H": 24, "7D": 7 * 24, "30D": 30 * 24, "90D": 90 * 24}
DEFAULT_PERIOD = "24H"
SORTS: Mapping[str, Sort] = {"Newest": "newest", "Slowest": "slowest", "Highest cost": "dearest"}
TRACES, SESSIONS = "Traces", "Sessions"
MINUTE = timedelta(minutes=1)
SEARCH_HINT = "Name, id, person"  # all that fits on a phone


def render_list(user: User, zone: ZoneInfo) -> None:
    """The page without a trace."""
    with title_row("Traces"), st.container(horizontal=True, width="content", gap="small"):
        hours = PERIODS[_choose("Period", list(PERIODS), "period", DEFAULT_PERIOD)]
        render_upload()
    # A whole minute, so that reruns ask for the same.
    now = datetime.now(UTC).replace(second=0, microsecond=0) + MINUTE
    period = TraceFilter(now - timedelta(hours=hours), now)
    everything = data.load_traces(user, period, 1)
    if not everything.traces:
        _render_empty(user)
        return
    chosen = _render_filters(period, everything)
    currency = data.load_currency(user)
    overview_place = st.container()
    with st.container(border=True):
        kind = TRACES
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            if chosen.session is None:
                kind = _choose("List", [TRACES, SESSIONS], "list", TRACES)
            order = SORTS[_choose("Sort by", list(SORTS), "sort", "Newest")]
        sorted_filter = replace(chosen, sort=order)
        if kind == SESSIONS:
            _render_sessions(user, sorted_filter, zone, currency)
        else:
            _render_traces(user, sorted_filter, zone, currency, overview_place)


def _choose(label: str, options: Sequence[str], key: str, default: str) -> str:
    """A choice among few, stored in the URL."""
    return (
        st.segmented_control(
            label,
            options,
            default=default,
            required=True,
            key=key,
            bind="query-params",
            label_visibility="collapsed",
        )
        or default
    )


def _render_empty(user: User) -> None:
    with st.container(border=True):
        st.text("No traces in this period.")
        st.caption(
            "Programs that send OpenTelemetry with a key appear here within seconds. Traces are kept for "
            f"{plural(data.load_trace_days(user), 'day')}; their costs stay."
        )


def _render_filters(period: TraceFilter, everything: TraceList) -> TraceFilter:
    """The filters. Select boxes show names as plain text, so hostile names are harmless."""
    with st.grid(4, min_column_width=140, gap="small"):
        search = st.text_input(
            "Search",
            placeholder=SEARCH_HINT,
            help="A part of a name, service, session or person, or the beginning of a trace id.",
            key="search",
            bind="query-params",
            max_chars=200,
        )
        status = _choose_any("Status", list(STATUSES), STATUSES)
        service = _choose_any("Service", everything.services)
        model = _choose_any("Model", everything.models)
    session = st.query_params.get(SESSION)
    if session:
        label = f"Session {escape_markdown(session[:60])}"
        with st.container(horizontal=True, gap="small"):
            st.button(label, icon=":material/close:", on_click=leave, args=(SESSION,), key="leave_session")
            if st.button("Requests and costs", icon=":material/terminal:", key="session_costs"):
                switch_page("agents", session=session)
    return TraceFilter(
        period.first_at, period.last_at, search.strip() or None, status, service, model, session or None
    )


def _choose_any(label: str, options: Sequence[str], words: Mapping[str, str] | None = None) -> str | None:
    return st.selectbox(
        label,
        options,
        index=None,
        format_func=lambda option: words[option] if words else option,
        placeholder="Any",
        key=label.lower(),
        bind="query-params",
    )


def _render_overview(found: TraceList, currency: Currency) -> None:
    cost = _convert(found.cost_usd, currency)
    with st.container(border=True):
        left, right = st.columns([2, 3], gap="small")
        with left, st.grid(2, min_column_width=120, gap="small"):
            st.metric("Traces", f"{found.traces:,}")
            st.metric(
                "Error rate", format_rate(found.errors, found.traces), help=plural(found.errors, "trace")
            )
            st.metric(
                "Median duration", format_duration(found.p50_us), help=f"p95 {format_duration(found.p95_us)}"
            )
            st.metric("Cost", describe_cost(cost, found.unpriced, currency.code))
        with right:
            percentiles = [("p50", found.p50_us), ("p95", found.p95_us)]
            st.plotly_chart(
                charts.trace_scatter(found.points, percentiles, current_palette()),
                theme=None,
                key="trace_scatter",
                config=charts.config("USD"),
                alt=f"Duration and cost of traces: median {format_duration(found.p50_us)}, "
                f"95% within {format_duration(found.p95_us)}.",
            )
        notes = [f"p95 {format_duration(found.p95_us)}", f"{plural(found.retried, 'trace')} with retries"]
        if cost is not None:
            each = format_money(cost / found.traces, currency.code)
            notes.append(f"{each} a trace")
        if found.unpriced:
            notes.append(f"{plural(found.unpriced, 'trace')} with calls without a price")
        st.caption(escape_markdown(" · ".join(notes)))
        if source := describe_source(found.source):
            st.caption(escape_markdown(source))


def _convert(usd: Decimal | None, currency: Currency) -> Decimal | None:
    return None if usd is None else currency.convert(usd, datetime.now(UTC).date())


def _render_traces(
    user: User, chosen: TraceFilter, zone: ZoneInfo, currency: Currency, overview_place: DeltaGenerator
) -> None:
    """A page of traces, and in its place what all of them add up to."""
    page_key = f"page-{hash(chosen)}"
    page = st.session_state.get(page_key) or 1
    found = data.load_traces(user, chosen, page)
    if not found.rows:
        st.text("No traces match these filters.")
        return
    with overview_place:
        _render_overview(found, currency)
    key = f"traces-{hash(chosen)}-{page}"
    place = selected_line(key, len(found.rows))
    if place is not None:
        open_trace(found.rows[place].trace_id)
        st.rerun()
    lines = [_describe_line(row, zone, currency) for row in found.rows]
    render_choices(describe_traces(found.rows, zone, currency), TRACE_COLUMNS, "Traces", key, lines)
    _render_pages(page_key, page, found.traces, len(found.rows), "trace")


def _render_sessions(user: User, chosen: TraceFilter, zone: ZoneInfo, currency: Currency) -> None:
    page_key = f"session-page-{hash(chosen)}"
    page = st.session_state.get(page_key) or 1
    found = data.load_sessions(user, chosen, page)
    if not found.rows:
        st.text("No sessions match these filters.")
        return
    key = f"sessions-{hash(chosen)}-{page}"
    place = selected_line(key, len(found.rows))
    if place is not None:
        open_session(found.rows[place].session)
        st.rerun()
    lines = [
        Line(row.session, f"{plural(row.traces, 'trace')} · {_cost_of(row, currency)}") for row in found.rows
    ]
    frame = describe_sessions(found.rows, zone, currency)
    render_choices(frame, SESSION_COLUMNS, "Sessions", key, lines)
    _render_pages(page_key, page, found.sessions, len(found.rows), "session")


def _render_pages(page_key: str, page: int, count: int, rows: int, noun: str) -> None:
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        first = (page - 1) * PAGE_ROWS + 1
        st.caption(
            f"{first:,} to {first + rows - 1:,} of {plural(count, noun)}. Select a row to open it.",
            width="content",
        )
        if count > PAGE_ROWS:
            st.pagination(-(-count // PAGE_ROWS), key=page_key)


def _cost_of(row: Summary | SessionSummary, currency: Currency) -> str:
    return describe_cost(_convert(row.cost_usd, currency), row.unpriced, currency.code)


def _describe_line(row: Summary, zone: ZoneInfo, currency: Currency) -> Line:
    details = (
        format_instant(row.first_at, zone),
        STATUSES[row.status],
        format_duration(row.duration_us),
        _cost_of(row, currency),
    )
    # Streamlit tells choices apart by their texts, and many traces have one name.
    return Line(f"{row.name} · {row.trace_id[-6:]}", " · ".join(details))


TRACE_COLUMNS = {
    "name": columns.name("Trace"),
    "time": columns.text("Time"),
    "status": columns.text("Status"),
    "service": columns.name("Service", most_width=140),
    "models": columns.name("Model", most_width=170),
    "spans": columns.figure("Spans"),
    "duration": columns.figure("Duration"),
    "tokens": columns.figure("Tokens"),
    "cost": columns.figure("Cost"),
}
SESSION_COLUMNS = {
    "name": columns.name("Session"),
    "time": columns.text("Last"),
    "service": columns.name("Service", most_width=140),
    "person": columns.name("Person", most_width=140),
    "traces": columns.figure("Traces"),
    "errors": columns.figure("Errors"),
    "duration": columns.figure("Duration"),
    "tokens": columns.figure("Tokens"),
    "cost": columns.figure("Cost"),
}


def describe_traces(rows: Sequence[Summary], zone: ZoneInfo, currency: Currency) -> pd.DataFrame:
    """A page of traces as a table of texts."""
    return pd.DataFrame(
        {
            "name": row.name,
            "time": format_instant(row.first_at, zone),
            "status": STATUSES[row.status],
            "service": row.service,
            "models": describe_models(row.models),
            "spans": f"{row.spans:,}",
            "duration": format_duration(row.duration_us),
            "tokens": f"{row.tokens:,}",
            "cost": _cost_of(row, currency),
        }
        for row in rows
    )


def describe_sessions(rows: Sequence[SessionSummary], zone: ZoneInfo, currency: Currency) -> pd.DataFrame:
    """A page of sessions as a table of texts."""
    return pd.DataFrame(
        {
            "name": row.session,
            "time": format_instant(row.last_at, zone),
            "service": row.service,
            "person": row.person,
            "traces": f"{row.traces:,}",
            "errors": f"{row.errors:,}",
            "duration": format_duration(row.duration_us),
            "tokens": f"{row.tokens:,}",
            "cost": _cost_of(row, currency),
        }
        for row in rows
    )
