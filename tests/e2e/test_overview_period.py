"""The period of the Overview changes without the month above it, and never beside an older one."""

import re

from playwright.sync_api import Page, expect

from app.auth.identity import User
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import save, usage
from tests.app.wire import Wire
from tests.e2e.steps import expect_page, expect_spend, sign_in


def choose(page: Page, preset: str) -> None:
    page.get_by_role("radio", name=preset).click()


def test_period_follows_newer_data_or_says_why_not_and_ends_with_the_session(
    page: Page, upstream: AuthClient, account: Account, server_wire: Wire
) -> None:
    user = sign_in_user(upstream, account)
    save(user, [usage(0, "1.25")])
    sign_in(page, account)
    expect_spend(page, "$1.25")

    follow_newer_data(page, user)
    lead_back_from_explore(page)
    say_that_it_cannot_be_loaded(page, server_wire)
    end_with_the_session(page)


def follow_newer_data(page: Page, user: User) -> None:
    """The month of a period with newer data is that of the same data."""
    save(user, [usage(0, "2.50", minutes_ago=1)])
    page.wait_for_timeout(1_500)  # the data version is cached for a second

    choose(page, "90D")

    expect_spend(page, "$3.75")
    expect(page.locator(".st-key-month .big")).to_contain_text("$3.75")


def lead_back_from_explore(page: Page) -> None:
    """A click on a chart's link is one entry of the history, which leads back to the same period."""
    expect_page(page, "/")
    address, entries = page.url, page.evaluate("history.length")
    page.locator(".st-key-explore-spend-by-provider button").click()
    expect_page(page, "/explore")
    expect(page).to_have_url(re.compile("days=90D"))
    assert page.evaluate("history.length") == entries + 1, "one click, one entry"
    page.go_back()
    expect_page(page, "/")
    assert page.url == address, "nothing of the question that was asked elsewhere"


def say_that_it_cannot_be_loaded(page: Page, server_wire: Wire) -> None:
    """A period that cannot be loaded says so, and is loaded by its button."""
    server_wire.cut()
    page.wait_for_timeout(1_500)

    choose(page, "1Y")

    expect(page.get_by_text("cannot be reached")).to_be_visible()
    server_wire.mend()
    page.get_by_role("button", name="Try again").click()
    expect_spend(page, "$3.75")


def end_with_the_session(page: Page) -> None:
    """Another period of a session that ended in another tab leads to the sign-in."""
    other = page.context.new_page()
    other.goto("/")
    other.locator("button.tally-sign-out").click()
    expect(other.get_by_role("heading", name="Sign in to Tally")).to_be_visible()

    choose(page, "30D")

    expect(page.get_by_role("heading", name="Sign in to Tally")).to_be_visible()
