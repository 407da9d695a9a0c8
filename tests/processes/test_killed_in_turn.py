"""Several processes of each kind behind a balancer, one of each killed: nothing is lost or signed out."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tally.accounts.auth_client import AuthClient
from tally.api_keys.keys import NewKey, create_key
from tally.local.stack import Stack
from tally.storage.postgres import PostgresDatabase
from tests.app.accounts import Account, sign_up, tokens_of
from tests.e2e.chromium import FLAGS, HEADLESS
from tests.processes.fleet import has_queue, running_fleet, wait_until
from tests.processes.killing import Use, kill_in_turn

SLOW = 60_000
SIGN_OUT = "button.tally-sign-out"


@contextmanager
def opened_page() -> Iterator[Page]:
    """A page of a browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=HEADLESS, args=FLAGS)
        yield browser.new_context().new_page()
        browser.close()


def enter(page: Page, url: str, account: Account) -> str:
    """Sign in, wait for the dashboard, and return the process that the balancer chose."""
    page.goto(f"{url}/records")
    page.get_by_label("Email").fill(account.email)
    page.get_by_label("Password").fill(account.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(SIGN_OUT)).to_be_visible(timeout=SLOW)
    return node_of(page)


def node_of(page: Page) -> str:
    """The process that a browser stays with."""
    [found] = [each["value"] for each in page.context.cookies() if each.get("name") == "tally-node"]
    return str(found)


@pytest.mark.skipif(
    HEADLESS is None, reason="Chromium is not installed (apt install chromium-headless-shell)"
)
def test_one_of_each_is_killed_in_turn(stack: Stack, tmp_path: Path) -> None:
    settings = stack.settings()
    owner = sign_up(AuthClient(settings["SUPABASE_URL"], settings["SUPABASE_PUBLISHABLE_KEY"]))
    workspace_id = tokens_of(owner).user_id
    with (
        psycopg.connect(settings["DATABASE_URL"], autocommit=True) as database,
        running_fleet(stack, tmp_path, each=2) as fleet,
        opened_page() as page,
    ):
        wait_until(lambda: has_queue(database), "a worker's queue")
        new_key = NewKey("senders", requests_per_minute=100_000)
        key = create_key(PostgresDatabase(database, workspace_id), new_key).text
        before = enter(page, fleet.balancer.web, owner)
        [of_page] = [each for each in fleet.web if each.name == before]

        use, killed = Use(owner, workspace_id, key), (of_page, fleet.api[0], fleet.workers[0])
        outcome = kill_in_turn(fleet, database, use, killed)
        assert outcome.faults == []
        assert outcome.sent > 0

        # The live page connects again by itself: the menu works, and nobody signs in.
        page.get_by_test_id("stSidebarNav").get_by_role("link").last.click()
        expect(page.get_by_test_id("stSidebar").get_by_text(owner.email, exact=True)).to_be_visible(
            timeout=SLOW
        )
        page.reload()
        expect(page.locator(SIGN_OUT)).to_be_visible(timeout=SLOW)
        assert node_of(page) != before
        assert [each.name for each in (*fleet.web, *fleet.api) if "Traceback" in each.log()] == []
