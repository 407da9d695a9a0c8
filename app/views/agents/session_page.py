"""One session: its figures, its course, cache hits and misses, gaps, and every request."""

from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

import streamlit as st

from app.figures.agent_session import Session
from app.figures.currencies import Currency
from app.formats.counts import format_count
from app.formats.dates import format_short_day
from app.formats.durations import format_long_duration
from app.formats.money import format_money
from app.formats.text import DASH, escape_markdown
from app.ui import agent_markup as markup
from app.ui import charts
from app.ui.agent_markup import Card
from app.ui.cards import render_heading
from app.ui.legend import render_legend
from app.ui.navigation import clear_parameter, switch_page
from app.ui.theme import current_palette
from app.ui.titles import title_row, way_back
from app.views.agents.address import SESSION, title_agent
from app.views.agents.session_file import write_session
from app.views.agents.session_tables import render_gaps, render_requests
from tally.core.text import plural


def render_way_back() -> None:
    """The button that leads back to all agents."""
    way_back("Agents", "back_to_agents", clear_parameter, SESSION)


def render_missing(name: str) -> None:
    """A session that is unknown, or that others may see."""
    st.title("Session", anchor=False)
    with st.container(border=True):
        st.text("There is no such session.")
        st.caption(
            "It may have been deleted with its source, or belong to records that your role does not show. "
            f"Its name is {escape_markdown(name[:60])}."
        )


def render_session(session: Session, zone: ZoneInfo, currency: Currency, today: date) -> None:
    """The page of a session."""
    code = currency.code
    start = session.first_at.astimezone(zone)
    with title_row(f"Session of {format_short_day(start.date(), today)}, {start:%H:%M}"):
        _render_links(session, zone, code)
    _render_caption(session, code)
    st.html(markup.render_styles(current_palette()) + markup.cards(_list_cards(session, zone, code), "five"))
    with st.container(border=True):
        _render_course(session, code)
    left, right = st.columns([3, 2], gap="small")
    with left, st.container(border=True, height="stretch"):
        render_gaps(session, zone, code)
    with right, st.container(border=True, height="stretch"):
        _render_cost_of_gaps(session, code)
    with st.container(border=True):
        render_requests(session, zone, code)


def _render_links(session: Session, zone: ZoneInfo, code: str) -> None:
    with st.container(horizontal=True, width="content", gap="small"):
        if session.has_traces and st.button("Traces", icon=":material/account_tree:", key="session_traces"):
            switch_page("traces", session=session.name, period="90D")
        if st.button("Open in Records", icon=":material/receipt_long:", key="session_records"):
            days = [moment.astimezone(zone).date() for moment in (session.first_at, session.last_at)]
            switch_page(
                "records",
                session=session.name,
                first_day=days[0].isoformat(),
                last_day=days[1].isoformat(),
            )
        st.download_button(
            "Download CSV",
            partial(write_session, session, code),
            file_name=f"tally-session-{session.first_at:%Y-%m-%d}.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
            help="A row for each request.",
        )


def _render_caption(session: Session, code: str) -> None:
    agents = [title_agent(name) for name in session.list_names("agent")]
    money = session.money
    if money.included and money.paid:
        paid = (
            f"{format_money(money.paid, code)} paid per token, {format_money(money.included, code)} by a plan"
        )
    else:
        paid = "covered by a plan" if money.included else "paid per token" if money.paid else ""
    named = (agents, session.list_names("repository"), session.list_names("branch"))
    parts = [", ".join(names[:3]) for names in named]
    parts += [", ".join(session.list_names("model")[:3]), paid]
    st.caption(escape_markdown(" · ".join(part for part in parts if part)))


def _list_cards(session: Session, zone: ZoneInfo, code: str) -> list[Card]:
    cached, read = session.cached
    seconds = (session.last_at - session.first_at).total_seconds()
    models = ", ".join(f"{count:,} {model}" for model, count in session.count_models()[:2])
    local = [moment.astimezone(zone) for moment in (session.first_at, session.last_at)]
    gaps, lost = session.gaps, session.lost
    share = f", {lost / session.money.value:.0%} of value" if lost and session.money.value else ""
    unpriced = session.money.unpriced
    return [
        Card(
            "Value",
            format_money(session.money.value, code),
            f"{plural(unpriced, 'record')} without a price" if unpriced else "",
        ),
        Card("Requests", f"{session.requests:,}", note=models),
        Card(
            "Duration",
            format_long_duration(seconds * 1_000_000),
            note=f"{local[0]:%H:%M} {DASH} {local[1]:%H:%M}",
        ),
        Card(
            "Input from cache",
            f"{cached / read:.0%}" if read else DASH,
            note=f"{format_count(cached)} of {format_count(read)} tokens",
        ),
        Card(
            "Lost to gaps",
            format_money(lost, code),
            f"{plural(len(gaps), 'gap')}{share}" if gaps else "no gap cost anything",
            "bad" if lost else "good",
        ),
    ]


def _render_course(session: Session, code: str) -> None:
    palette = current_palette()
    render_heading("Value and context, request by request")
    legend = {"Value so far": palette.accent, "Context, tokens": palette.series[1]}
    if session.gaps:
        legend["Gap beyond the cache's life"] = palette.bad.fill
    st.html(render_legend(legend.items(), palette.muted))
    st.plotly_chart(
        charts.session_course(session.rows, palette, code),
        theme=None,
        key="session_course",
        config=charts.config(code),
        alt=f"Value so far and context of {plural(len(session.rows), 'request')}, up to "
        f"{format_money(session.money.value, code)}.",
    )
    render_heading("Cache hits and misses")
    names = ("Read from cache (hit)", "Written to cache (miss)", "Not cached")
    colours = (palette.accent, palette.series[2], palette.other)
    st.html(render_legend(zip(names, colours, strict=True), palette.muted))
    cached, read = session.cached
    st.plotly_chart(
        charts.session_cache(session.rows, palette),
        theme=None,
        key="session_cache",
        config=charts.config(code),
        alt=f"Input tokens of each request; {cached:,} of {read:,} were read from the cache.",
    )


def _render_cost_of_gaps(session: Session, code: str) -> None:
    gaps, lost = session.gaps, session.lost
    render_heading("What the gaps cost")
    st.metric("Extra cost of gaps", format_money(lost, code), label_visibility="collapsed")
    if lost and session.money.value:
        st.caption(f"{lost / session.money.value:.0%} of this session's value")
    st.text(
        "Anthropic keeps a context for 5 minutes, or for an hour where it was written so. After a longer "
        "pause the context is written again, at 1.25 or 2 times the input price, instead of read at a tenth "
        "of it. "
        "Other providers drop contexts in a similar time and charge the input price."
    )
    dearest = sorted((gap for gap in gaps if gap.extra), key=lambda gap: -(gap.extra or 0))[:2]
    if len(gaps) > 2 and len(dearest) == 2:
        minutes = " and ".join(f"{round(gap.pause.total_seconds() / 60):,}" for gap in dearest)
        both = sum(gap.extra or 0 for gap in dearest)
        st.caption(
            escape_markdown(f"The two costliest, {minutes} min, took {format_money(both, code)} of it.")
        )
