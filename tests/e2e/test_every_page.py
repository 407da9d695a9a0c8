"""Every page with six months of data: dark on a phone, light on a desktop."""

import re
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import ConsoleMessage, Page, expect

from tally.local.stack import Stack
from tally.spend import sample_data
from tally.storage.postgrest import SupabaseDatabase, open_supabase
from tests.app.accounts import Account
from tests.app.conftest import Project
from tests.e2e.steps import PAGES, run_nightly, sign_in, visit

# Rules that Streamlit itself breaks: the sparkline of a metric and the drop zone of an upload.
STREAMLIT_RULES = {"svg-img-alt", "presentation-role-conflict"}
PHONE: Any = {"width": 390, "height": 844}
DESKTOP: Any = {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def busy_account(project: Project, stack: Stack) -> Account:
    """An account with six months of data and a forecast."""
    account = Account(f"{uuid.uuid4().hex[:12]}@example.com")
    client = open_supabase(project.url, project.key)
    answer = client.auth.sign_up({"email": account.email, "password": account.password})
    assert answer.user is not None
    sample_data.load(SupabaseDatabase(client, answer.user.id), datetime.now(UTC).date())
    run_nightly(stack, account.email)
    return account


class Watched:
    """A page, and the errors and warnings in its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, message: ConsoleMessage) -> None:
        # Streamlit's small charts in cards have a layer for the point under the mouse, empty at first.
        if message.type in ("error", "warning") and "Infinite extent" not in message.text:
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


def test_figures_are_painted_before_the_charts_code_is_fetched(page: Page, busy_account: Account) -> None:
    requested: list[str] = []
    page.on(
        "request", lambda request: requested.append(request.url.partition("/static/js/")[2] or request.url)
    )
    sign_in(page, busy_account)
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    opened = next(nth for nth, url in enumerate(requested) if "/render-gate?" in url)
    charts = next(nth for nth, url in enumerate(requested) if url.startswith("PlotlyChart."))
    assert opened < charts


def test_pages_are_accessible_and_fit_a_phone(page: Page, busy_account: Account) -> None:
    watched = Watched(page)
    sign_in(page, busy_account)
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    expect(links).to_have_text([re.compile(f"{title}$") for title in PAGES.values()])  # after an icon's name
    found, widths = {"menu": watched.violations()}, {}
    page.get_by_test_id("stSidebar").hover()  # shows its button
    page.get_by_role("button", name="Collapse sidebar").click()
    for path in PAGES:
        page.set_viewport_size(PHONE)
        page.emulate_media(color_scheme="dark")
        page.get_by_test_id("stExpandSidebarButton").click()
        visit(page, path)
        found[f"{path}, dark"], widths[path] = watched.violations(), watched.width()
        page.set_viewport_size(DESKTOP)
        page.emulate_media(color_scheme="light")
        found[f"{path}, light"] = watched.violations()
    assert {path: of_page for path, of_page in found.items() if of_page} == {}
    assert widths == dict.fromkeys(PAGES, PHONE["width"])
    assert watched.errors == []
