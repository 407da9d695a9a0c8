"""Every page with six months of data: light on a desktop, dark on a phone."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tally.local.stack import Stack
from tally.spend import sample_data
from tally.storage.postgrest import SupabaseDatabase, open_supabase
from tests.app.accounts import Account
from tests.app.app_server import AppServer
from tests.app.conftest import Project
from tests.e2e.steps import PAGES, SLOW, open_page, run_nightly, sign_in, visit

# Rules that Streamlit itself breaks: the sparkline of a metric and the drop zone of an upload.
STREAMLIT_RULES = {"svg-img-alt", "presentation-role-conflict"}
PHONE: Any = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def storage(chromium: Browser, server: AppServer, project: Project, stack: Stack) -> Any:
    """The browser storage of an account with six months of data and a forecast."""
    account = Account(f"{uuid.uuid4().hex[:12]}@example.com")
    client = open_supabase(project.url, project.key)
    client.auth.sign_up({"email": account.email, "password": account.password})
    sample_data.load(SupabaseDatabase(client), datetime.now(UTC).date())
    run_nightly(stack, account.email)
    context = chromium.new_context(base_url=server.url)
    sign_in(context.new_page(), account)
    state = context.storage_state()
    context.close()
    return state


class Watched:
    """A page, and the errors in its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        # Streamlit first requests its health check below the page's path.
        if message.type == "error" and "404" not in message.text:
            self.errors.append(message.text)

    def violations(self) -> list[tuple[str, str]]:
        """Violations of accessibility rules by our pages: the rule and the first element that breaks it."""
        self.page.wait_for_timeout(500)  # charts are drawn, colours have faded in
        found = Axe().run(self.page).response["violations"]
        return [(it["id"], it["nodes"][0]["html"][:200]) for it in found if it["id"] not in STREAMLIT_RULES]

    def width(self) -> int:
        """Width of the content in CSS pixels."""
        wanted: int = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        return wanted


@pytest.fixture
def watched(chromium: Browser, server: AppServer, storage: Any, request: Any) -> Iterator[Watched]:
    """A signed-in browser with the options of the test."""
    context = chromium.new_context(base_url=server.url, storage_state=storage, **request.param)
    context.set_default_timeout(SLOW)
    yield Watched(context.new_page())
    context.close()


@pytest.mark.parametrize("watched", [{"color_scheme": "light"}], indirect=True)
def test_pages_are_accessible_and_error_free_in_light(watched: Watched) -> None:
    page = watched.page
    open_page(page, "/")
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(links).to_have_text([re.compile(f"{title}$") for title in PAGES.values()])  # after an icon's name
    found = {}
    for path in PAGES:
        visit(page, path)
        found[path] = watched.violations()
    assert {path: of_page for path, of_page in found.items() if of_page} == {}
    assert watched.errors == []


@pytest.mark.parametrize(
    "watched", [{"color_scheme": "dark", "viewport": PHONE, "has_touch": True}], indirect=True
)
def test_pages_are_accessible_and_fit_a_phone_in_dark(watched: Watched) -> None:
    found, widths = {}, {}
    for path in PAGES:
        open_page(watched.page, path)
        found[path] = watched.violations()
        widths[path] = watched.width()
    assert {path: of_page for path, of_page in found.items() if of_page} == {}
    assert widths == dict.fromkeys(PAGES, PHONE["width"])
    assert watched.errors == []


@pytest.mark.parametrize("watched", [{}], indirect=True)
def test_figures_are_painted_before_the_charts_code_is_fetched(watched: Watched) -> None:
    requested: list[str] = []
    watched.page.on(
        "request", lambda request: requested.append(request.url.partition("/static/js/")[2] or request.url)
    )
    open_page(watched.page, "/")
    expect(watched.page.locator(".js-plotly-plot").first).to_be_visible()
    opened = next(nth for nth, url in enumerate(requested) if "/render-gate?" in url)
    charts = next(nth for nth, url in enumerate(requested) if url.startswith("PlotlyChart."))
    assert opened < charts
