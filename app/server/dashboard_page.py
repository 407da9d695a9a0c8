"""Streamlit's page, with the address of its server, its fonts, and room for what comes in its first moments.

Without the address, Streamlit's script first looks for its server below the page's path: two requests that
fail, and errors in the console.
"""

from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit.file_util import get_static_dir

from app.server.stylesheet import with_own_fonts
from app.ui.pages import PAGES, PATHS
from app.ui.theme import ENTRY

GROUPS = ",".join(ENTRY.format(page.address) for page in PAGES if page.begins_group)
# Styles that pages need before their own arrive, or they would move. Two fields only bind parameters of the
# address; the account is at the bottom of the sidebar. Until there is a sidebar, the page leaves room for it
# and for what is above the title.
STYLE = f"""<style>
.st-key-workspace,.st-key-project{{display:none!important}}
[data-testid=stSidebarContent]{{display:flex!important;flex-direction:column}}
[data-testid=stSidebarUserContent]{{padding-top:1rem!important;margin-top:auto!important}}
{GROUPS}{{margin-top:.75rem!important}}
[data-testid=stAppViewContainer]:not(:has([data-testid=stSidebar])) [data-testid=stMainBlockContainer]
{{max-width:none!important;padding-top:104.25px!important}}
@media(min-width:768px){{
[data-testid=stAppViewContainer]:not(:has([data-testid=stSidebar])){{padding-left:281px}}
[data-testid=stAppViewContainer]:not(:has([data-testid=stSidebar])) [data-testid=stMainBlockContainer]
{{padding-top:48px!important}}}}
</style>"""
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
    return with_own_fonts(page).replace("<head>", f"<head>{ADDRESS}{STYLE}", 1)
