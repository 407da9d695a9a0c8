"""Every page as somebody with half a year of data sees it: by day on a desk, by night on a phone."""

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

# Streamlit's own: the sparkline of a metric and the drop zone of an upload.
STREAMLITS_OWN = {"svg-img-alt", "presentation-role-conflict"}
PHONE: Any = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def storage(chromium: Browser, server: AppServer, project: Project, stack: Stack) -> Any:
    """The session of somebody with half a year of data and a forecast."""
    someone = Account(f"{uuid.uuid4().hex[:12]}@example.com")
    client = open_supabase(project.url, project.key)
    client.auth.sign_up({"email": someone.email, "password": someone.password})
    sample_data.load(SupabaseDatabase(client), datetime.now(UTC).date())
    run_nightly(stack, someone.email)
    context = chromium.new_context(base_url=server.url)
    sign_in(context.new_page(), someone)
    state = context.storage_state()
    context.close()
    return state


class Watched:
    """A page, and what the browser complained of."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        # Streamlit asks for its health below the page's own path first.
        if message.type == "error" and "404" not in message.text:
            self.errors.append(message.text)

    def violations(self) -> list[tuple[str, str]]:
        """Of accessibility, where it is ours: the rule and the first element that breaks it."""
        self.page.wait_for_timeout(500)  # charts and their colours
        found = Axe().run(self.page).response["violations"]
        return [(it["id"], it["nodes"][0]["html"][:200]) for it in found if it["id"] not in STREAMLITS_OWN]

    def width(self) -> int:
        """What the content would like to take, in CSS pixels."""
        wanted: int = self.page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        return wanted


@pytest.fixture
def watched(chromium: Browser, server: AppServer, storage: Any, request: Any) -> Iterator[Watched]:
    """The resident's browser, with the options that the test names."""
    context = chromium.new_context(base_url=server.url, storage_state=storage, **request.param)
    context.set_default_timeout(SLOW)
    yield Watched(context.new_page())
    context.close()


@pytest.mark.parametrize("watched", [{"color_scheme": "light"}], indirect=True)
def test_pages_are_accessible_and_without_error_in_light(watched: Watched) -> None:
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
def test_pages_are_accessible_and_fit_on_a_phone_in_the_dark(watched: Watched) -> None:
    found, widths = {}, {}
    for path in PAGES:
        open_page(watched.page, path)
        found[path] = watched.violations()
        widths[path] = watched.width()
    assert {path: of_page for path, of_page in found.items() if of_page} == {}
    assert widths == dict.fromkeys(PAGES, PHONE["width"])
    assert watched.errors == []


@pytest.mark.parametrize("watched", [{}], indirect=True)
def test_figures_are_on_the_screen_before_the_charts_code_is_fetched(watched: Watched) -> None:
    asked: list[str] = []
    watched.page.on(
        "request", lambda request: asked.append(request.url.partition("/static/js/")[2] or request.url)
    )
    open_page(watched.page, "/")
    expect(watched.page.locator(".js-plotly-plot").first).to_be_visible()
    told = next(nth for nth, url in enumerate(asked) if "/painted?" in url)
    charts = next(nth for nth, url in enumerate(asked) if url.startswith("PlotlyChart."))
    assert told < charts
