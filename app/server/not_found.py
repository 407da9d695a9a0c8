"""A 404 page for unknown addresses, where Streamlit would show its default page.

Only requests of a browser for a page are checked; everything else is Streamlit's or another route's.
"""

from pathlib import Path

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.auth.form_pages import CONTENT_SECURITY_POLICY
from app.server.gate import OPEN, asks_for_page
from app.ui.pages import PATHS

PAGE = Path(__file__).with_name("not_found.html").read_text(encoding="utf-8")
STREAMLIT_PREFIXES = ("/_stcore/", "/static/", "/app/static/", "/media/", "/component/")


class NotFound:
    """Pure ASGI middleware that answers requests for unknown pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self.app
        if scope["type"] == "http" and asks_for_page(scope) and not _is_known(scope["path"]):
            answer = HTMLResponse(PAGE, 404, {"content-security-policy": CONTENT_SECURITY_POLICY})
        await answer(scope, receive, send)


def _is_known(path: str) -> bool:
    page = path.rstrip("/") or "/"  # Streamlit redirects an address with a slash at its end
    return page in PATHS or page in OPEN or path.startswith(STREAMLIT_PREFIXES)
