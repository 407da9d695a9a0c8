"""A file of traces, opened for a look: it stays in the memory of the session and is not saved."""

from collections import defaultdict
from typing import NamedTuple
from zoneinfo import ZoneInfo

import streamlit as st

from app.figures.currencies import Currency
from app.formats.text import escape_markdown
from app.views.traces.address import FILE
from app.views.traces.trace_detail import render_trace
from tally.core.text import plural
from tally.telemetry.signals import Undecodable
from tally.traces.stored_span import StoredSpan
from tally.traces.waterfall import build_waterfall

MOST_BYTES = 16 * 1024 * 1024


class OpenedFile(NamedTuple):
    """The traces of a file by id, and what could not be read."""

    name: str
    traces: dict[str, list[StoredSpan]]
    problems: list[str]


def opened_file() -> OpenedFile | None:
    """The file that is open in this session."""
    file: OpenedFile | None = st.session_state.get(FILE)
    return file


def render_upload() -> None:
    """The button that opens a file."""
    with st.popover("Open a trace file", icon=":material/upload_file:"):
        st.caption("OTLP as JSON, one request or one a line. It is shown to you and not saved.")
        uploaded = st.file_uploader("Trace file", type=["json", "jsonl"], key="trace_upload")
        if uploaded is not None:
            try:
                st.session_state[FILE] = read_file(uploaded.name, uploaded.getvalue())
            except Undecodable as problem:
                st.error(escape_markdown(str(problem)))
            else:
                st.rerun()


def read_file(name: str, body: bytes) -> OpenedFile:
    """The traces of a file; raises Undecodable."""
    # Decoders and prices, which only files need.
    from tally.telemetry.decoding import decode_traces
    from tally.traces.opened_files import MOST_SPANS, describe_all

    if len(body) > MOST_BYTES:
        raise Undecodable("The file is larger than 16 MB. Open a part of it.")
    decoded = decode_traces(body, is_json=True)
    problems = list(decoded.rejected)
    traces: dict[str, list[StoredSpan]] = defaultdict(list)
    for span in describe_all(decoded):
        traces[span.trace_id].append(span)
    if not traces:
        raise Undecodable(" ".join(problems[:1]) or "There are no spans in this file.")
    if len(decoded.spans) > MOST_SPANS:
        problems.append(f"Only the first {MOST_SPANS:,} spans are shown.")
    return OpenedFile(name, dict(traces), problems)


def render_file(file: OpenedFile, zone: ZoneInfo) -> None:
    """The traces of the open file, one at a time."""
    st.button(
        "Close the file", icon=":material/close:", type="tertiary", on_click=_close, key="close_trace_file"
    )
    st.caption(
        escape_markdown(
            f"{file.name}: {plural(len(file.traces), 'trace')}. Nothing is saved; costs are list prices."
        )
    )
    if file.problems:
        with st.expander(plural(len(file.problems), "part") + " could not be read"):
            st.text("\n".join(file.problems[:50]))
    ids = sorted(file.traces, key=lambda trace_id: -len(file.traces[trace_id]))
    chosen = ids[0]
    if len(ids) > 1:
        chosen = (
            st.selectbox("Trace", ids, format_func=lambda one: _describe(file, one), key="trace_of_file")
            or ids[0]
        )
    render_trace(build_waterfall(file.traces[chosen]), zone, Currency())


def _describe(file: OpenedFile, trace_id: str) -> str:
    spans = file.traces[trace_id]
    root = min(spans, key=lambda span: (span.parent_span_id != "", span.started_at))
    return f"{root.name}, {plural(len(spans), 'span')}, {trace_id[:8]}"


def _close() -> None:
    st.session_state.pop(FILE, None)
