"""Streamlit's page, with the address of its server.

Without the address, Streamlit's script first looks for its server below the page's path: two requests that
fail, and errors in the console.
"""

from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.file_util import get_static_dir

from app.ui.pages import PATHS

ADDRESS = "<script>window.__streamlit = { BACKEND_BASE_URL: window.location.origin }</script>"


class DashboardPage:
    """Pure ASGI middleware that answers requests for the dashboard's pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_page = scope["type"] == "http" and scope["method"] in ("GET", "HEAD") and scope["path"] in PATHS
        await (HTMLResponse(dashboard_page()) if is_page else self.app)(scope, receive, send)


@cache
def dashboard_page() -> str:
    """The HTML of all pages of the dashboard."""
    page = (Path(get_static_dir()) / "index.html").read_text(encoding="utf-8")
    return page.replace("<head>", f"<head>{ADDRESS}", 1)
