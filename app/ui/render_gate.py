"""Let the browser show the figures of a page before it is handed the charts.

Loading Plotly keeps a browser busy for 0.2 s, a slow one for a second, and React then holds back what it
could already show. So a script on the page says when the figures are there.
"""

from collections.abc import Callable
from secrets import token_urlsafe
from threading import Event
from weakref import WeakValueDictionary

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

MOST_SECONDS = 1.0  # nobody waits longer for a browser that says nothing

_awaited: WeakValueDictionary[str, Event] = WeakValueDictionary()


def watch_first_paint() -> Callable[[], object]:
    """Watch the page from here on, and return how to wait for its figures.

    Only the first run of a page waits: reruns find the charts' code in the browser.
    """
    place = st.sidebar.empty()  # at its end, where nothing has to make room for it
    if "is_painted" in st.session_state:
        return lambda: None
    st.session_state.is_painted = True
    name, painted = token_urlsafe(), Event()
    _awaited[name] = painted
    place.html(f'<script src="/app/static/painted.js?{name}"></script>', unsafe_allow_javascript=True)
    return lambda: painted.wait(MOST_SECONDS)


def routes() -> list[Route]:
    """What the script of a page calls."""
    return [Route("/painted", _note, methods=["POST"])]


async def _note(request: Request) -> Response:
    painted = _awaited.get(request.url.query)
    if painted:
        painted.set()
    return Response(status_code=204)
