"""Whole stories in a real browser, on the real stack: from signing up to the forecast, on any screen."""

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import Browser, BrowserContext, Page, expect
from supabase import create_client

from tally import demo
from tally.api import SupabaseApi
from tally.local.stack import Stack
from tests.app.conftest import PASSWORD, Person, Project
from tests.app.server import AppServer
from tests.app.wire import Wire

SLOW = 60_000
PAGES = {
    "/": "Overview",
    "/records": "Records",
    "/import": "Import",
    "/sources": "Sources",
    "/add-entry": "Add entry",
    "/subscriptions": "Subscriptions",
    "/forecast": "Forecast",
    "/settings": "Settings",
}
# Streamlit's own: the sparkline of a metric and the drop zone of an upload.
STREAMLITS_OWN = {"svg-img-alt", "presentation-role-conflict"}
PHONE = {"width": 390, "height": 844}
DAYS = 60


@pytest.fixture
def usage_csv(tmp_path: Path) -> Path:
    """Sixty days of two providers, $3 a day, up to yesterday; one row is no day of the calendar."""
    today = datetime.now(UTC).date()
    lines = ["date,provider,model,cost,tokens,requests,note"]
    for age in range(DAYS, 0, -1):
        day = today - timedelta(days=age)
        lines += [f"{day},OpenAI,gpt-5.2,2.00,1000,4,", f"{day},Anthropic,claude-opus-4-5,1.00,500,2,"]
    lines.append("2026-02-30,OpenAI,gpt-5.2,5.00,1,1,")
    file = tmp_path / "usage.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.fixture(scope="module")
def story_server(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AppServer]:
    """The dashboard of the running stack."""
    with AppServer(tmp_path_factory.mktemp("story"), stack.settings()) as running:
        yield running


@pytest.fixture
def page(chromium: Browser, story_server: AppServer) -> Iterator[Page]:
    """Somebody's browser in Berlin that has never been here."""
    context = chromium.new_context(base_url=story_server.url, timezone_id="Europe/Berlin")
    context.set_default_timeout(SLOW)
    yield context.new_page()
    context.close()


def kpi(page: Page, label: str) -> Any:
    """The value of a key figure."""
    return (
        page.get_by_test_id("stMetric")
        .filter(has=page.get_by_text(label, exact=True))
        .get_by_test_id("stMetricValue")
    )


def open_page(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.get_by_role("heading", name=PAGES[path], exact=True, level=1)).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stSpinner")).to_have_count(0, timeout=SLOW)


def run_night(stack: Stack, email: str) -> None:
    """Tonight, for one person: the stack is shared with other tests, whose people would take minutes."""
    with psycopg.connect(stack.settings()["DATABASE_URL"]) as database:
        database.execute(
            "update public.user_preferences set forecast_enabled = false "
            "where user_id <> (select id from auth.users where email = %s)",
            [email],
        )
    done = subprocess.run(
        [sys.executable, "-m", "forecasting"],
        env=os.environ | stack.settings(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_from_signing_up_to_the_forecast(page: Page, stack: Stack, usage_csv: Path) -> None:
    page.goto("/")
    page.get_by_role("link", name="Create an account").click()
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()

    page.get_by_role("button", name="Import a CSV").click()
    page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(usage_csv)
    page.get_by_role("button", name=f"Import {2 * DAYS} rows").click()
    for label, value in (("Read", 2 * DAYS + 1), ("Added", 2 * DAYS), ("Already there", 0), ("Rejected", 1)):
        expect(kpi(page, label)).to_have_text(str(value))

    open_page(page, "/")
    expect(kpi(page, "Spend, 30 days")).to_have_text("$87.00")  # today is not in the file
    page.get_by_role("radio", name="7D").click()
    expect(kpi(page, "Spend, 7 days")).to_have_text("$18.00")
    assert "range=7" in page.url
    expect(page.locator(".js-plotly-plot").first).to_be_visible()

    run_night(stack, email)
    open_page(page, "/forecast")
    expect(kpi(page, "Next 30 days")).to_have_text("$90.00")
    open_page(page, "/records")
    expect(page.get_by_text(f"1 to 25 of {2 * DAYS} records")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to Tally")).to_be_visible()


def test_same_file_again_adds_nothing(page: Page, person: Person, usage_csv: Path) -> None:
    sign_in(page, person)
    for added, there in ((2 * DAYS, 0), (0, 2 * DAYS)):
        open_page(page, "/import")
        page.get_by_test_id("stFileUploaderDropzoneInput").set_input_files(usage_csv)
        page.get_by_role("button", name=f"Import {2 * DAYS} rows").click()
        expect(kpi(page, "Added")).to_have_text(str(added))
        expect(kpi(page, "Already there")).to_have_text(str(there))


@pytest.fixture(scope="module")
def resident(project: Project, stack: Stack) -> Person:
    """Somebody with half a year of data and a forecast."""
    someone = Person(f"{uuid.uuid4().hex[:12]}@example.com")
    client = create_client(project.url, project.key)
    client.auth.sign_up({"email": someone.email, "password": someone.password})
    demo.load(SupabaseApi(client), datetime.now(UTC).date())
    run_night(stack, someone.email)
    return someone


def sign_in(page: Page, person: Person) -> None:
    page.goto("/login")
    page.get_by_label("Email").fill(person.email)
    page.get_by_label("Password").fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Overview", exact=True, level=1)).to_be_visible(timeout=SLOW)


@pytest.fixture(scope="module")
def storage(chromium: Browser, story_server: AppServer, resident: Person) -> Any:
    """The resident's session, so that each page test need not sign in."""
    context = chromium.new_context(base_url=story_server.url, timezone_id="Europe/Berlin")
    sign_in(context.new_page(), resident)
    state = context.storage_state()
    context.close()
    return state


def visit(chromium: Browser, server: AppServer, storage: Any, **options: Any) -> BrowserContext:
    context = chromium.new_context(base_url=server.url, storage_state=storage, **options)
    context.set_default_timeout(SLOW)
    return context


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_an_accessibility_violation_of_ours(
    chromium: Browser, story_server: AppServer, storage: Any, scheme: Any
) -> None:
    context = visit(chromium, story_server, storage, color_scheme=scheme)
    page = context.new_page()
    found = {}
    for path in PAGES:
        open_page(page, path)
        page.wait_for_timeout(1_000)
        violations = Axe().run(page).response["violations"]
        ours = {violation["id"] for violation in violations} - STREAMLITS_OWN
        if ours:
            found[path] = [(v["id"], v["nodes"][0]["html"][:200]) for v in violations if v["id"] in ours]
    context.close()
    assert found == {}


def test_every_page_fits_a_phone(chromium: Browser, story_server: AppServer, storage: Any) -> None:
    context = visit(chromium, story_server, storage, viewport=PHONE, color_scheme="dark", has_touch=True)
    page = context.new_page()
    too_wide = {}
    for path in PAGES:
        open_page(page, path)
        page.wait_for_timeout(500)
        width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
        if width > PHONE["width"]:
            too_wide[path] = width
    context.close()
    assert too_wide == {}


def test_pages_cause_no_error_in_the_browser(
    chromium: Browser, story_server: AppServer, storage: Any
) -> None:
    context = visit(chromium, story_server, storage)
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    for path in PAGES:
        open_page(page, path)
    context.close()
    # Streamlit asks for its health below the page's own path first.
    assert [error for error in errors if "404" not in error] == []


def test_stopped_stack_is_said_in_a_sentence(
    chromium: Browser, person: Person, project: Project, wire: Wire, tmp_path: Path
) -> None:
    with AppServer(tmp_path, project.environment(wire.url)) as server:
        context = chromium.new_context(base_url=server.url)
        page = context.new_page()
        sign_in(page, person)
        wire.cut()
        page.get_by_test_id("stSidebarNav").get_by_role("link", name="Records").click()
        expect(page.get_by_text("cannot be reached")).to_be_visible(timeout=SLOW)
        assert "Traceback" not in page.content()
        context.close()
