"""One trace: its figures, its waterfall, and one of its spans."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import streamlit as st

from app.figures.currencies import Currency
from app.figures.trace_words import (
    KINDS,
    describe_cost,
    describe_errors,
    describe_kinds,
    describe_outcome,
    describe_trace,
    list_token_classes,
)
from app.formats.dates import format_instant
from app.formats.durations import format_duration
from app.formats.text import escape_markdown
from app.ui import charts
from app.ui.cards import render_heading
from app.ui.columns import ALIGN_RIGHT
from app.ui.legend import render_legend
from app.ui.theme import current_palette
from app.views.traces.address import SPAN, TRACE, leave, open_session
from tally.core.text import plural
from tally.traces.waterfall import Node, Waterfall

ROWS_SHOWN = 24
ROW_HEIGHT = 36  # pixels
MOST_INDENTS = 12
SAID = {"prompt": "Prompt", "answer": "Answer", "tool": "Arguments and results of tools"}
LONG_TEXT = 1_500  # characters
INDENT = "\N{NO-BREAK SPACE}" * 3


def render_missing(trace_id: str, days: int) -> None:
    """A trace that is gone, or that others may see."""
    with st.container(border=True):
        st.text("There is no such trace.")
        st.caption(
            f"Traces are kept for {plural(days, 'day')}, and you see those that your role allows. Its id is "
            f"{escape_markdown(trace_id[:40])}."
        )


def render_trace(
    waterfall: Waterfall,
    zone: ZoneInfo,
    currency: Currency,
    details: Mapping[str, Any] | None = None,
    load_said: Callable[[str], Mapping[str, str]] = lambda _: {},
) -> None:
    """The page of a trace; the span that the address names is beside it.

    `load_said` returns the prompts and answers of a span, and is called once the waterfall is there.
    """
    root = waterfall.roots[0]
    _render_title(waterfall, zone)
    _render_figures(waterfall, currency)
    chosen = next((node for node in waterfall.nodes if node.span.span_id == st.query_params.get(SPAN)), None)
    left, right = st.columns([3, 1], gap="small")
    with left:
        with st.container(border=True):
            _render_waterfall(waterfall, currency)
        _render_models(waterfall, currency)
    with right, st.container(border=True):
        _render_span(chosen or root, waterfall, zone, currency, details or {})
        _render_said(load_said((chosen or root).span.span_id))


def _render_title(waterfall: Waterfall, zone: ZoneInfo) -> None:
    span = waterfall.roots[0].span
    session = next((node.span.session for node in waterfall.nodes if node.span.session), "")
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
            st.header(escape_markdown(span.name), anchor=False, width="content")
            failed = span.status != "ok"
            st.badge(
                describe_trace(waterfall),
                color="red" if failed else "orange" if waterfall.retries else "green",
                icon=":material/error:" if failed else ":material/check:",
            )
        if session and TRACE in st.query_params:
            st.button(
                "Session",
                icon=":material/forum:",
                on_click=_leave_for_session,
                args=(session,),
                key="to_session",
            )
    facts = [
        format_instant(waterfall.first_at, zone),
        span.service,
        f"session {session}" if session else "",
        next((node.span.person for node in waterfall.nodes if node.span.person), ""),
        f"trace {span.trace_id}",
    ]
    st.caption(escape_markdown(" · ".join(fact for fact in facts if fact)))


def _leave_for_session(session: str) -> None:
    leave(TRACE, SPAN)
    open_session(session)


def _sum(waterfall: Waterfall) -> tuple[Decimal | None, int, int]:
    """Cost, calls without a price, and tokens of the whole trace."""
    costs = [root.cost_usd for root in waterfall.roots if root.cost_usd is not None]
    return (
        sum(costs, Decimal(0)) if costs else None,
        sum(root.unpriced for root in waterfall.roots),
        sum(root.tokens for root in waterfall.roots),
    )


def _render_figures(waterfall: Waterfall, currency: Currency) -> None:
    cost, unpriced, tokens = _sum(waterfall)
    cached = sum(span.cached_input_tokens for span in waterfall.counted)
    figures = (
        ("Duration", format_duration(waterfall.duration_us), ""),
        (
            "Cost",
            describe_cost(_convert(cost, waterfall, currency), unpriced, currency.code),
            f"{plural(unpriced, 'call')} without a price" if unpriced else "",
        ),
        ("Tokens", f"{tokens:,}", f"{cached:,} from cache" if cached else ""),
        ("Spans", f"{len(waterfall.nodes):,}", describe_kinds(waterfall)),
        ("Errors", f"{waterfall.errors:,}", describe_errors(waterfall)),
    )
    with st.container(border=True), st.grid(5, min_column_width=130, gap="small"):
        for label, value, note in figures:
            with st.container(gap=None):
                st.metric(label, value)
                if note:
                    st.caption(escape_markdown(note))


def _convert(usd: Decimal | None, waterfall: Waterfall, currency: Currency) -> Decimal | None:
    return None if usd is None else currency.convert(usd, waterfall.first_at.date())


def _render_waterfall(waterfall: Waterfall, currency: Currency) -> None:
    render_heading("Waterfall", "Parents include everything inside them. Select a row for details.")
    palette = current_palette()
    colours = charts.kind_colours(palette)
    shown = {node.span.kind for node in waterfall.nodes}
    legend = {KINDS[kind]: colours[kind] for kind in KINDS if kind in shown}
    legend |= {"Error": palette.bad.fill} if waterfall.errors else {}
    st.html(render_legend(legend.items(), palette.muted))
    key = f"waterfall-{waterfall.roots[0].span.trace_id}"
    rows = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
    if rows and rows[0] < len(waterfall.nodes):
        span_id = waterfall.nodes[rows[0]].span.span_id
        if st.query_params.get(SPAN) != span_id:
            st.query_params[SPAN] = span_id
            st.rerun()
    bars = [
        charts.waterfall_bar(
            node.offset_us,
            node.span.duration_us,
            waterfall.duration_us,
            palette.bad.fill if node.span.status != "ok" else colours[node.span.kind],
            palette,
        )
        for node in waterfall.nodes
    ]
    st.dataframe(
        describe_nodes(waterfall, currency).assign(bar=bars)[["name", "bar", *FIGURES]],
        hide_index=True,
        row_height=ROW_HEIGHT,
        height=ROW_HEIGHT * (ROWS_SHOWN + 1) if len(waterfall.nodes) > ROWS_SHOWN else "content",
        column_config=_columns(waterfall),
        alt=f"Waterfall of {plural(len(waterfall.nodes), 'span')} with durations, costs and outcomes.",
        key=key,
        on_select="rerun",
        selection_mode="single-row",
    )


FIGURES = ("duration", "tokens", "cost", "outcome")


def _columns(waterfall: Waterfall) -> dict[str, Any]:
    def figure(label: str) -> Any:
        return st.column_config.TextColumn(ALIGN_RIGHT + label, alignment="right", width=74)

    return {
        "name": st.column_config.TextColumn("Span", width=160, pinned=True),
        "bar": st.column_config.ImageColumn(f"0 to {format_duration(waterfall.duration_us)}", width=200),
        "duration": figure("Duration"),
        "cost": figure("Cost"),
        "tokens": figure("Tokens"),
        "outcome": st.column_config.TextColumn("Outcome", width=96),
    }


def describe_nodes(waterfall: Waterfall, currency: Currency) -> pd.DataFrame:
    """The rows of a waterfall as texts, from top to bottom."""
    nodes = waterfall.nodes
    costs: dict[tuple[Decimal | None, bool], str] = {}  # of thousands of spans few differ
    for node in nodes:
        key = node.cost_usd, node.unpriced > 0
        if key not in costs:
            cost = _convert(node.cost_usd, waterfall, currency)
            costs[key] = describe_cost(cost, node.unpriced, currency.code)
    return pd.DataFrame(
        {
            "name": [INDENT * min(node.depth, MOST_INDENTS) + node.span.name for node in nodes],
            "duration": [format_duration(node.span.duration_us) for node in nodes],
            "tokens": [f"{node.tokens:,}" if node.calls else "" for node in nodes],
            "cost": [costs[node.cost_usd, node.unpriced > 0] for node in nodes],
            "outcome": [describe_outcome(node) for node in nodes],
        }
    )


def _render_models(waterfall: Waterfall, currency: Currency) -> None:
    """The models by cost."""
    costs = waterfall.sum_models()
    if not costs:
        return
    with st.container(border=True, gap="xsmall"):
        render_heading("Where the cost went")
        whole = sum(costs.values()) or Decimal(1)
        for model, cost in sorted(costs.items(), key=lambda item: -item[1]):
            amount = describe_cost(_convert(cost, waterfall, currency), 0, currency.code)
            with st.container(horizontal=True, horizontal_alignment="distribute"):
                st.text(model or "(unnamed)", width="content")
                st.caption(escape_markdown(f"{cost / whole:.0%} · {amount}"), width="content")


def _render_span(
    node: Node, waterfall: Waterfall, zone: ZoneInfo, currency: Currency, details: Mapping[str, Any]
) -> None:
    span = node.span
    render_heading(escape_markdown(span.name))
    with st.container(horizontal=True, gap="small"):
        st.badge(KINDS[span.kind], color="blue")
        failed = span.status != "ok"
        st.badge(
            describe_outcome(node).capitalize() or "OK",
            color="red" if failed else "green",
            icon=":material/error:" if failed else ":material/check:",
        )
    own = describe_cost(_convert(span.cost_usd, waterfall, currency), int(span.tokens > 0), currency.code)
    cost = describe_cost(_convert(node.cost_usd, waterfall, currency), node.unpriced, currency.code)
    facts = [
        ("Cost, with all inside", cost),
        ("Cost of itself", own if span.is_call else ""),
        ("Duration", format_duration(span.duration_us)),
        ("Started", format_instant(span.started_at, zone)),
        ("After the trace's start", format_duration(node.offset_us)),
        ("First token", "" if span.first_token_us is None else format_duration(span.first_token_us)),
        ("Speed", _describe_speed(node)),
        ("Error", span.error),
        ("Model", span.model),
        ("Provider", span.provider),
        ("Agent", span.agent),
        ("Prompt", " ".join(part for part in (span.prompt_name, span.prompt_version) if part)),
        ("Request id", span.request_id),
        ("Waited before retry", _describe_wait(node, waterfall)),
        ("Span id", span.span_id),
    ]
    for group in ("tags", "metadata", "resource"):
        facts += [(name, str(value)) for name, value in (details.get(group) or {}).items()]
    for name, value in list_token_classes(span):
        facts.append((name if "," in name else f"{name} tokens", value))
    for name, value in facts:
        if value:
            with st.container(horizontal=True, horizontal_alignment="distribute", gap="small"):
                st.caption(escape_markdown(name), width="content")
                st.text(value, width="content")


def _render_said(said: Mapping[str, str]) -> None:
    """Prompts and answers, where the workspace keeps them."""
    for part, label in SAID.items():
        if text := said.get(part):
            with st.expander(label):
                st.code(
                    text, language=None, wrap_lines=True, height=400 if len(text) > LONG_TEXT else "content"
                )
    if not said:
        st.caption("Prompts and answers of this step aren't stored.")


def _describe_speed(node: Node) -> str:
    span = node.span
    seconds = (span.duration_us - (span.first_token_us or 0)) / 1_000_000
    return f"{span.output_tokens / seconds:,.0f} tokens/s" if span.output_tokens and seconds > 0.001 else ""


def _describe_wait(node: Node, waterfall: Waterfall) -> str:
    failed = next((one.span for one in waterfall.nodes if one.span.span_id == node.retry_of), None)
    if failed is None:
        return ""
    return format_duration((node.span.started_at - failed.ended_at) / timedelta(microseconds=1))
