"""A real browser for tests, and a person signed in with it."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from tests.app.conftest import Person
from tests.app.server import AppServer

PROGRAM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
MILLISECONDS = 60_000


@contextmanager
def open_chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser
        browser.close()


def sign_in_page(browser: Browser, server: AppServer, person: Person) -> Page:
    """A page of its own, signed in through the form; the system prefers light."""
    page = browser.new_page(viewport={"width": 1440, "height": 1500}, color_scheme="light")
    page.goto(f"{server.url}/login")
    page.fill("input[name=email]", person.email)
    page.fill("input[name=password]", person.password)
    page.click("button[type=submit]")
    return page
