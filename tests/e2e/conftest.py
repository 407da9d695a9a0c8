"""The browser and the server that whole stories are told with."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.app.conftest import new_person, person, project, server, upstream, wire
from tests.e2e.chromium import CHROMIUM, FLAGS

__all__ = ["new_person", "person", "project", "server", "upstream", "wire"]  # fixtures


# For a module and no longer: while Playwright runs, nothing else in this process can run an event loop.
@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright for the stories of a file."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt install chromium)")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """One Chromium; every story opens a context of its own."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()
