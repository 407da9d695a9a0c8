"""Browser and server of the end-to-end tests."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from tests.app.app_server import AppServer
from tests.app.conftest import account, connection, new_account, project, server, server_wire, upstream
from tests.e2e.chromium import FLAGS, HEADLESS, TEST_FLAGS
from tests.e2e.steps import SLOW

__all__ = ["account", "connection", "new_account", "project", "server", "server_wire", "upstream"]  # fixtures


# Package scope: while Playwright runs, nothing else in this process can run an event loop.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """Playwright, for the tests of this folder."""
    if HEADLESS is None:
        pytest.skip("Chromium is not installed (apt install chromium-headless-shell)")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium, where all tabs of a context share a process."""
    browser = playwright.chromium.launch(executable_path=HEADLESS, args=[*FLAGS, *TEST_FLAGS])
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def first_tab(chromium: Browser, server: AppServer) -> Iterator[Page]:
    """A tab that stays open in a browser in Berlin.

    Its process keeps the dashboard's scripts compiled: a cold load costs twice the CPU.
    """
    context = chromium.new_context(base_url=server.url, timezone_id="Europe/Berlin")
    context.set_default_timeout(SLOW)
    page = context.new_page()
    page.goto("/login")
    yield page
    context.close()


@pytest.fixture(autouse=True)
def server_log(server: AppServer) -> Iterator[None]:
    """The server's log, which pytest prints if the test fails."""
    yield
    print(server.log())


@pytest.fixture
def context(first_tab: Page) -> Iterator[BrowserContext]:
    """A signed-out browser in Berlin."""
    with cleared_after(first_tab) as context:
        yield context


@contextmanager
def cleared_after(first_tab: Page) -> Iterator[BrowserContext]:
    """The browser of the first tab; all other tabs and the session end with the block."""
    yield first_tab.context
    for page in first_tab.context.pages:
        if page is not first_tab:
            page.close()
    sign_out(first_tab)


def sign_out(page: Page) -> None:
    """Forget the session, as a new browser would."""
    page.context.clear_cookies()
    page.evaluate("localStorage.clear()")


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A new tab of a signed-out browser."""
    return context.new_page()


@pytest.fixture(scope="module")
def shared_page(first_tab: Page) -> Iterator[Page]:
    """A tab of all tests of a file that use no other: loading the dashboard takes most of their time."""
    with cleared_after(first_tab) as context:
        yield context.new_page()
