"""Streamlit's page, with its server's address, its code in one file, and room for what comes at first.

Without the address, Streamlit's script first looks for its server below the page's path: two requests that
fail, and errors in the console.
"""

import json
from functools import cache
from html import escape

from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.bundle import with_bundle
from app.server.chunks import read_page
from app.server.stylesheet import with_own_fonts
from app.ui import html_table, jump
from app.ui.pages import PAGES, PATHS, Page
from app.ui.theme import ENTRY

GROUPS = ",".join(ENTRY.format(page.address) for page in PAGES if page.begins_group)
PHONE_PADDING = "68px"  # below the bar with the menu's button, of 60
# Styles that pages need before their own arrive, or they would move. Two fields only bind parameters of the
# address; the fields of the period come one by one, and their row has its lines before; the account is at the
# bottom of the sidebar. Until there is a sidebar, pages leave room for it and for what is above their title.
# `:has` names classes there: by an attribute that most elements have, browsers look at all of them again
# whenever one is added.
STYLE = f"""<style>
.st-key-workspace,.st-key-project{{display:none!important}}
@media(min-width:1120px){{.st-key-period_and_spread{{min-width:673px!important}}
.st-key-period_alone{{min-width:454px!important}}}}
[data-testid=stSidebarContent]{{display:flex!important;flex-direction:column}}
[data-testid=stSidebarUserContent]{{padding-top:1rem!important;margin-top:auto!important}}
{GROUPS}{{margin-top:.75rem!important}}
.stAppViewContainer:not(:has(.stSidebar)) .stMainBlockContainer
{{max-width:none!important;padding-top:{PHONE_PADDING}!important}}
@media(min-width:768px){{
.stAppViewContainer:not(:has(.stSidebar)){{padding-left:281px}}
.stAppViewContainer:not(:has(.stSidebar)) .stMainBlockContainer
{{padding-top:48px!important}}}}
@media(min-width:901px) and (max-width:1400px){{.stMainBlockContainer{{padding-inline:2.5rem!important}}}}
@media(max-width:767.98px){{[data-testid=stMainBlockContainer]{{padding-top:{PHONE_PADDING}!important}}
[data-testid=stExpandSidebarButton]{{width:auto!important;padding-inline:.4rem!important}}
[data-testid=stExpandSidebarButton]::after{{content:"Menu"/"";padding-left:.25rem;font-size:.95rem}}}}
</style>"""
# The field "Jump to…", which gives the page the focus; tables; less motion where the system asks for it.
ACCESS = f"""<style>{jump.STYLE}{html_table.STYLE}
[data-testid=stMain]:focus::before,[data-testid=stMain]:focus::after{{display:none!important}}
[data-testid=stMain]:focus{{outline:none}}
@media(prefers-reduced-motion:reduce){{*,::before,::after{{animation-duration:.01ms!important;
animation-iteration-count:1!important;transition-duration:.01ms!important;scroll-behavior:auto!important}}}}
</style>"""
SCRIPTS = "".join(
    f'<script type="module" src="/app/static/{name}.js"></script>' for name in ("jump", "tables")
)
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
    head = f"<head>{ADDRESS}{STYLE}{ACCESS}{name_pages()}{SCRIPTS}"
    return with_own_fonts(with_bundle(read_page())).replace("<head>", head, 1)


def name_pages() -> str:
    """The pages as the field "Jump to…" knows them: title, address, entry of the menu, and icon."""
    titles = {page.name: page.entry or page.title for page in PAGES}

    def note(page: Page) -> str:
        entry = titles[page.part_of or page.name]
        return "" if entry == page.title else f"in {entry}"

    pages = [[page.title, f"/{page.address}", note(page), page.icon] for page in PAGES]
    return f'<meta name="tally-pages" content="{escape(json.dumps(pages))}">'
