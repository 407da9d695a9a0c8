"""Sessions in a browser: reload, new tab, deep link, sign-out in another tab."""

import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
)

from app.auth.sessions import Sessions
from app.auth.sqlite_sessions import SqliteSessions
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account
from tests.app.app_server import AppServer
from tests.app.wire import Wire
from tests.e2e.accessibility import list_violations
from tests.e2e.chromium import REBOUND
from tests.e2e.steps import open_page

SIGN_OUT = "button.tally-sign-out"
SLOW = 30_000
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


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


def test_session_survives_reload_new_tab_and_deep_link_and_ends_in_all_tabs(
    context: BrowserContext, new_account: Callable[[], Account]
) -> None:
    ada, bob = new_account(), new_account()
    violations: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            violations.append(message.text)

    context.on("console", listen)
    first, second, third = (context.new_page() for _ in range(3))
    sign_in(first, ada, "/records?range=7d")
    assert first.url.endswith("/records?range=7d"), "the deep link survives sign-in"
    first.reload()
    expect_dashboard(first, ada)
    for tab, path in ((second, "/"), (third, "/prices")):
        open_page(tab, path)  # complete: a page under way would notice the sign-out by itself
        expect_dashboard(tab, ada)
    assert second.evaluate("document.cookie").find("tally=") == -1, "scripts cannot read the session cookie"

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
    assert violations == []
    context.remove_listener("console", listen)


def test_session_outlives_an_unreachable_supabase(
    context: BrowserContext, server: AppServer, upstream: AuthClient, server_wire: Wire, account: Account
) -> None:
    tokens = replace(upstream.sign_in(account.email, account.password), expires_at=int(time.time()) - 60)
    cookie = Sessions(SqliteSessions(server.folder / "sessions.db"), upstream).open(tokens)
    context.add_cookies([{"name": "tally", "value": cookie, "url": server.url}])
    page = context.new_page()
    server_wire.cut()
    page.goto("/")
    alert = page.get_by_text("Tally cannot reach the sign-in service.")
    expect(alert).to_contain_text("You are still signed in.", timeout=SLOW)
    server_wire.mend()
    page.reload()
    expect_dashboard(page, account)


def test_forms_are_accessible_and_fit_a_phone(chromium: Browser, server: AppServer) -> None:
    context = chromium.new_context(
        base_url=server.url,
        viewport={"width": 390, "height": 844},
        bypass_csp=True,  # axe injects its own script
    )
    page = context.new_page()
    for path in ("/login", "/signup", "/forgot", "/reset"):
        page.goto(path)
        assert violations_by_scheme(page) == {}, path
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
    assert violations_by_scheme(page) == {}
    context.close()


def violations_by_scheme(page: Page) -> dict[str, list[tuple[str, str]]]:
    """Violations of accessibility rules in light and in dark, where there are any."""
    found = {}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found[scheme] = list_violations(page)
    return {scheme: violations for scheme, violations in found.items() if violations}


def test_site_whose_name_leads_to_this_machine_reaches_nothing(page: Page, server: AppServer) -> None:
    site = f"http://{REBOUND}:{server.port}"
    answer = page.goto(f"{site}/login")
    assert answer is not None
    assert answer.status == 421
    sign_up = """async () => {
        const form = new URLSearchParams({email: "stranger@evil.example", password: "correct horse 1"});
        const answer = await fetch("/signup", {method: "POST", body: form});
        const socket = new WebSocket(location.origin.replace("http", "ws") + "/_stcore/stream");
        const ended = await new Promise((resolve) => {
            socket.onopen = () => resolve("open");
            socket.onerror = () => resolve("refused");
        });
        return [answer.status, ended];
    }"""
    assert page.evaluate(sign_up) == [421, "refused"]
