"""Sessions in a browser: reload, new tab, deep link, sign-out in another tab."""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it ships no types
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
)

from app.auth.sessions import Sessions
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account
from tests.app.app_server import AppServer
from tests.app.wire import Wire

SIGN_OUT = "button.tally-sign-out"
SLOW = 30_000


def sign_in(page: Page, account: Account, path: str = "/") -> None:
    page.goto(path)
    page.get_by_label("Email").fill(account.email)
    page.get_by_label("Password").fill(account.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector(SIGN_OUT)


def use(page: Page) -> None:
    """Open another page by the menu."""
    page.get_by_test_id("stSidebarNav").get_by_role("link").last.click()


def expect_dashboard(page: Page, account: Account) -> None:
    expect(page.locator(SIGN_OUT)).to_be_visible(timeout=SLOW)
    expect(page.get_by_test_id("stSidebar").get_by_text(account.email, exact=True)).to_be_visible(
        timeout=SLOW
    )


def expect_sign_in(page: Page) -> None:
    page.wait_for_url(re.compile("/login"))
    expect(page.get_by_role("heading", name="Sign in to Tally")).to_be_visible()


def test_session_survives_reload_new_tab_and_deep_link(context: BrowserContext, account: Account) -> None:
    violations: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            violations.append(message.text)

    page = context.new_page()
    page.on("console", listen)
    sign_in(page, account, "/records?range=7d")
    assert page.url.endswith("/records?range=7d"), "the deep link survives sign-in"
    page.reload()
    expect_dashboard(page, account)
    tab = context.new_page()
    tab.on("console", listen)
    tab.goto("/")
    expect_dashboard(tab, account)
    assert tab.evaluate("document.cookie").find("tally=") == -1, "scripts cannot read the session cookie"
    assert violations == []


def test_other_tabs_follow_a_sign_out_and_the_next_account(
    context: BrowserContext, new_account: Callable[[], Account]
) -> None:
    ada, bob = new_account(), new_account()
    first, second, third = (context.new_page() for _ in range(3))
    sign_in(first, ada)
    for tab in (second, third):
        tab.goto("/prices")
        expect_dashboard(tab, ada)
    first.locator(SIGN_OUT).click()
    expect_sign_in(first)
    use(second)
    expect_sign_in(second)
    assert second.get_by_text(ada.email).count() == 0
    first.go_back()
    expect_sign_in(first)
    sign_in(first, bob)
    use(third)
    expect_dashboard(third, bob)
    assert third.get_by_text(ada.email).count() == 0


def test_session_outlives_an_unreachable_supabase(
    context: BrowserContext, server: AppServer, upstream: AuthClient, server_wire: Wire, account: Account
) -> None:
    tokens = replace(upstream.sign_in(account.email, account.password), expires_at=int(time.time()) - 60)
    cookie = Sessions(server.folder / "sessions.db", upstream).open(tokens)
    context.add_cookies([{"name": "tally", "value": cookie, "url": server.url}])
    page = context.new_page()
    server_wire.cut()
    page.goto("/")
    alert = page.get_by_text("Tally cannot reach the sign-in service.")
    expect(alert).to_contain_text("You are still signed in.", timeout=SLOW)
    server_wire.mend()
    page.reload()
    expect_dashboard(page, account)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_forms_are_accessible_and_fit_a_phone(chromium: Browser, server: AppServer, scheme: str) -> None:
    context = chromium.new_context(
        base_url=server.url,
        viewport={"width": 390, "height": 844},
        color_scheme=scheme,  # type: ignore[arg-type]
        bypass_csp=True,  # axe injects its own script
    )
    page = context.new_page()
    for path in ("/login", "/signup", "/forgot", "/reset"):
        page.goto(path)
        problems = Axe().run(page).response["violations"]
        assert [problem["id"] for problem in problems] == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate("document.fonts.check('16px Inter')"), path
    page.goto("/login")
    expect(page.get_by_label("Email")).to_be_focused()
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong horse 1")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Wrong email or password.")
    expect(page.get_by_label("Email")).to_have_value("nobody@example.com")
    expect(page.get_by_label("Password")).to_be_focused()
    assert Axe().run(page).response["violations"] == []
    context.close()
