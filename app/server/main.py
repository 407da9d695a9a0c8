"""Web server: Streamlit's dashboard and the sign-in pages, behind the gate.

Run it from anywhere with `python -m uvicorn app.server.main:app`, or behind a balancer with `tally web`.
Streamlit finds `.streamlit/config.toml` beside the script that `st.App` is given, so the working directory
does not matter.
"""

import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from streamlit import config

from api.app import assemble, load_parts
from app.auth import alert_links, invitations, mail_links, routes, unsubscribing
from app.auth.cookies import SESSION_HEADER
from app.auth.moving_sessions import bring_sessions
from app.auth.postgres_sessions import PostgresSessions
from app.auth.session_store import StoreUnreachable
from app.auth.sessions import sessions, sessions_path
from app.auth.shared_database import shared_database
from app.server import jump, script_turns
from app.server.access_log import hide_tokens
from app.server.bundled import Bundled
from app.server.dashboard_page import DashboardPage
from app.server.gate import Gate
from app.server.not_found import NotFound
from app.server.precompress import Precompress
from app.server.warm_up import warm_up
from app.ui import render_gate
from tally.core.errors import TallyError
from tally.serving.probes import Readiness
from tally.serving.settings import load_serving_settings

DASHBOARD = Path(__file__).resolve().parent.parent / "dashboard.py"


def check_start() -> None:
    """Exit with a message when a setting would make every visit fail."""
    try:
        sessions()
        if load_serving_settings().are_several:
            with suppress(StoreUnreachable):  # `/readyz` says so; the next start brings them
                bring_sessions(sessions_path(), PostgresSessions(shared_database()))
    except TallyError as problem:
        sys.exit(f"Tally's dashboard cannot start. {problem}")
    except (OSError, sqlite3.Error) as error:
        sys.exit(
            f"Tally cannot store its sessions in {sessions_path()} ({error}). "
            "Set TALLY_HOME to a folder that you can write to."
        )
    # Without this binding, anyone who learns a Streamlit session id could take over that session.
    if SESSION_HEADER not in dict(config.get_option("server.trustedUserHeaders") or {}):
        sys.exit(
            f"Streamlit's option server.trustedUserHeaders does not name {SESSION_HEADER}: its settings in "
            f"{DASHBOARD.parent / '.streamlit'} were not read. "
            "Start with `python -m uvicorn app.server.main:app`."
        )


@asynccontextmanager
async def lifespan(server: object) -> AsyncIterator[None]:
    """Warm up, and run the API."""
    async with warm_up(server), api.lifespan():
        yield


parts = load_parts()
api = assemble(parts)
readiness = Readiness([parts.pool.check] if parts.pool.has_url else [])
app = st.App(
    DASHBOARD,
    routes=[
        *routes.routes(),
        *mail_links.routes(),
        *invitations.routes(),
        *alert_links.routes(),
        *unsubscribing.routes(),
        *render_gate.routes(),
        *jump.routes(),
    ],
    middleware=[
        Middleware(Gate, api=api, api_paths=api.addresses),
        Middleware(NotFound),
        Middleware(DashboardPage),
        Middleware(Bundled),
        Middleware(Precompress),
    ],
    lifespan=lifespan,
)
hide_tokens()
check_start()
if load_serving_settings().are_several:
    readiness.checks.append(shared_database().check)
script_turns.install()
