"""Browser and server of the end-to-end tests."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.app.app_server import AppServer
from tests.app.conftest import account, new_account, project, server, upstream, wire
from tests.e2e.chromium import CHROMIUM, FLAGS
from tests.e2e.steps import SLOW

__all__ = ["account", "new_account", "project", "server", "upstream", "wire"]  # fixtures


# Module scope: while Playwright runs, nothing else in this process can run an event loop.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright, for the tests of one file."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt install chromium)")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium; every test opens its own context."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def page(chromium: Browser, server: AppServer) -> Iterator[Page]:
    """A new browser in Berlin, signed out."""
    context = chromium.new_context(base_url=server.url, timezone_id="Europe/Berlin")
    context.set_default_timeout(SLOW)
    yield context.new_page()
    context.close()
