"""The render gate: a page's charts are sent only after the browser has painted its figures.

Loading Plotly blocks a browser for 0.2 s (a slow one for a second), and React paints nothing meanwhile. A
script on the page therefore reports when the figures are visible.
"""

import os
from collections.abc import Callable
from secrets import token_urlsafe
from threading import Event
from weakref import WeakValueDictionary

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MAX_WAIT_SECONDS = float(os.environ.get("TALLY_RENDER_WAIT_SECONDS", "1"))  # for a browser that never reports

_gates: WeakValueDictionary[str, Event] = WeakValueDictionary()


def start_render_gate() -> Callable[[], object]:
    """Add the script to the page, and return the function that waits for its report.

    Only the first run of a session waits: after it, the browser has the charts' code.
    """
    place = st.sidebar.empty()  # at the end of the sidebar, where it shifts nothing
    if "has_render_gate" in st.session_state:
        return lambda: None
    st.session_state.has_render_gate = True
    token, gate = token_urlsafe(), Event()
    _gates[token] = gate
    place.html(f'<script src="/app/static/render_gate.js?{token}"></script>', unsafe_allow_javascript=True)
    return lambda: gate.wait(MAX_WAIT_SECONDS)


def routes() -> list[Route]:
    """The route that the script calls."""
    return [Route("/render-gate", _open_gate, methods=["POST"])]


async def _open_gate(request: Request) -> Response:
    gate = _gates.get(request.url.query)
    if gate:
        gate.set()
    return Response(status_code=204)
