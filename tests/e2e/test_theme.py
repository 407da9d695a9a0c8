"""The browser shows the theme chosen in the settings."""

from playwright.sync_api import Page, expect

from app.auth.identity import database_of
from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in_user
from tests.app.pages import save, usage
from tests.e2e.steps import open_page, sign_in

DARK, LIGHT = "rgb(14, 17, 22)", "rgb(255, 255, 255)"
INK_DARK, INK_LIGHT = "rgb(232, 236, 242)", "rgb(20, 24, 31)"


def expect_background(page: Page, colour: str) -> None:
    expect(page.get_by_test_id("stApp")).to_have_css("background-color", colour)


def test_chosen_theme_overrides_the_system_theme_which_pages_and_charts_follow(
    page: Page, upstream: AuthClient, account: Account
) -> None:
    user = sign_in_user(upstream, account)
    save(user, [usage(0, "1")])
    database = database_of(user)
    database.update("user_preferences", user.user_id, {"theme": "dark"}, key="user_id")
    sign_in(page, account, "/records")
    expect_background(page, DARK)

    database.update("user_preferences", user.user_id, {"theme": "system"}, key="user_id")
    page.wait_for_timeout(1500)  # the data version is cached for a second
    open_page(page, "/")
    expect_background(page, LIGHT)
    legend = page.locator(".tally-legend").first
    expect(legend).to_have_css("color", INK_LIGHT)

    page.emulate_media(color_scheme="dark")

    expect_background(page, DARK)
    expect(legend).to_have_css("color", INK_DARK)

    page.emulate_media(color_scheme="light")

    expect_background(page, LIGHT)
    expect(legend).to_have_css("color", INK_LIGHT)
