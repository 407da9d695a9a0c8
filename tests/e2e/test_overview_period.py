"""The period of the Overview changes without the month above it, and never beside an older one."""

import re

import pytest
from playwright.sync_api import Page, expect

from app.auth.identity import User
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import save, usage
from tests.app.wire import Wire
from tests.e2e.steps import expect_page, expect_spend, sign_in


@pytest.fixture
def overview(page: Page, upstream: AuthClient, account: Account) -> tuple[Page, User]:
    """The Overview of an account with one record of today."""
    user = sign_in_user(upstream, account)
    save(user, [usage(0, "1.25")])
    sign_in(page, account)
    expect_spend(page, "$1.25")
    return page, user


def choose(page: Page, preset: str) -> None:
    page.get_by_role("radio", name=preset).click()


def test_month_follows_newer_data_of_the_period(overview: tuple[Page, User]) -> None:
    page, user = overview
    save(user, [usage(0, "2.50", minutes_ago=1)])
    page.wait_for_timeout(1_500)  # the data version is cached for a second

    choose(page, "90D")

    expect_spend(page, "$3.75")
    expect(page.locator(".st-key-month .big")).to_contain_text("$3.75")

    expect_page(page, "/")
    address, entries = page.url, page.evaluate("history.length")
    page.locator(".st-key-explore-spend-by-provider button").click()
    expect_page(page, "/explore")
    expect(page).to_have_url(re.compile("days=90D"))
    assert page.evaluate("history.length") == entries + 1, "one click, one entry"
    page.go_back()
    expect_page(page, "/")
    assert page.url == address, "nothing of the question that was asked elsewhere"


def test_period_of_an_ended_session_leads_to_the_sign_in(overview: tuple[Page, User]) -> None:
    page, _ = overview
    other = page.context.new_page()
    other.goto("/")
    other.locator("button.tally-sign-out").click()
    expect(other.get_by_role("heading", name="Sign in to Tally")).to_be_visible()

    choose(page, "90D")

    expect(page.get_by_role("heading", name="Sign in to Tally")).to_be_visible()


def test_period_that_cannot_be_loaded_says_so(overview: tuple[Page, User], server_wire: Wire) -> None:
    page, _ = overview
    server_wire.cut()
    page.wait_for_timeout(1_500)  # the data version is cached for a second

    choose(page, "90D")

    expect(page.get_by_text("cannot be reached")).to_be_visible()
    server_wire.mend()
    page.get_by_role("button", name="Try again").click()
    expect_spend(page, "$1.25")
