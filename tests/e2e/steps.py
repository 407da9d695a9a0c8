"""Steps of the browser tests: sign up, sign in, open a page, read a key figure, run the nightly job."""

import os
import re
import subprocess
import sys

import psycopg
from playwright.sync_api import Locator, Page, expect

from app.ui import pages
from tally.local.stack import Stack
from tests.app.accounts import PASSWORD, Account

SLOW = 60_000
expect.set_options(timeout=SLOW)  # milliseconds; 5 seconds are few on a busy machine
PAGES = {f"/{page.address}": page.title for page in pages.PAGES}
ENTRIES = {f"/{page.address}": page.entry or page.title for page in pages.PAGES if not page.part_of}


def sign_up(page: Page, email: str) -> None:
    """Create an account through the form, as somebody does who has only the dashboard's address."""
    page.goto("/")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()


def sign_in(page: Page, account: Account, address: str = "/") -> None:
    """Open a page signed out, sign in through the form, and wait for the page."""
    page.goto(address)
    page.get_by_label("Email").fill(account.email)
    page.get_by_label("Password").fill(account.password)
    page.get_by_role("button", name="Sign in").click()
    expect_page(page, address.partition("?")[0])


def open_page(page: Page, path: str) -> None:
    """Open a page by its URL, as a bookmark does."""
    page.goto(path)
    expect_page(page, path)


def visit(page: Page, path: str) -> None:
    """Open a page by the menu: a tenth of the work of loading the dashboard again."""
    known = pages.find_page(path[1:])
    entry = path if not known.part_of else f"/{known.part_of}"
    page.get_by_test_id("stSidebarNav").get_by_role("link", name=ENTRIES[entry]).click()
    expect_page(page, entry)
    if entry != path:
        page.locator(".st-key-parts").get_by_role("link", name=PAGES[path], exact=True).click()
        expect_page(page, path)


def expect_page(page: Page, path: str) -> None:
    """Wait until the page is complete, and check its heading and the title of the browser's tab."""
    expect(page).to_have_title(f"{PAGES[path]} · Tally")
    expect(page.get_by_role("heading", name=PAGES[path], exact=True, level=1)).to_be_visible()
    app = page.get_by_test_id("stApp")
    expect(app).to_have_attribute("data-test-script-state", "notRunning")


def kpi(page: Page, label: str) -> Locator:
    """The value of a metric card."""
    figure = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return figure.get_by_test_id("stMetricValue")


def expect_spend(page: Page, amount: str) -> None:
    """Check the total of the Overview's period."""
    expect(page.locator(".st-key-period_spend")).to_have_text(re.compile(f"^{re.escape(amount)}(,|$)"))


def run_nightly(stack: Stack, email: str) -> None:
    """Run the nightly job for one account: others on the shared stack would take minutes."""
    with psycopg.connect(stack.settings()["DATABASE_URL"]) as database:
        for switch in ("user_preferences set forecast_enabled", "api_credentials set is_active"):
            database.execute(
                f"update public.{switch} = false "
                "where user_id <> (select id from auth.users where email = %s)",
                [email],
            )
    done = subprocess.run(
        [sys.executable, "-m", "forecasting", "--workers", "0"],  # for few series, faster than processes
        env=os.environ | stack.settings(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
