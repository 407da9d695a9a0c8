"""The web server: Streamlit's dashboard, the sign-in pages beside it, and the gate in front of both.

Run it from anywhere with `python -m uvicorn app.main:app`. Streamlit finds `.streamlit/config.toml` beside
the script that `st.App` is given, so the working directory does not matter.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from app import login
from app.cookies import SESSION_HEADER
from app.gate import Gate
from app.headers import dashboard_policy
from app.precompress import Precompress
from app.sessions import sessions

DASHBOARD = Path(__file__).parent / "dashboard.py"


class Misconfigured(Exception):
    """The server would run without one of its protections."""


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncGenerator[None, None]:
    """Fail at the start, not at the first visitor."""
    check_session_binding()
    dashboard_policy()
    sessions()
    yield


def check_session_binding() -> None:
    """Without this binding, who learns a Streamlit session id could take over somebody's live session."""
    if SESSION_HEADER not in dict(config.get_option("server.trustedUserHeaders") or {}):
        raise Misconfigured(
            f"Streamlit's option server.trustedUserHeaders must name {SESSION_HEADER}: "
            "see app/.streamlit/config.toml, and unset STREAMLIT_SERVER_TRUSTED_USER_HEADERS."
        )


app = st.App(
    DASHBOARD,
    lifespan=lifespan,
    routes=login.routes(),
    middleware=[Middleware(Gate), Middleware(Precompress)],
)
