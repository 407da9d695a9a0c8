"""The menu of a narrow page, which covers most of it."""

from playwright.sync_api import Page, expect

from tests.app.accounts import Account
from tests.e2e.steps import expect_page, sign_in, visit

PHONE, DESKTOP = (390, 844), (1440, 900)


def resize(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


def expect_menu(page: Page, is_open: bool) -> None:
    collapsed = "false" if is_open else "true"
    expect(page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", collapsed)


def test_menu_of_a_phone_closes_after_a_choice_and_with_a_reload(page: Page, account: Account) -> None:
    resize(page, PHONE)
    sign_in(page, account)
    expect_menu(page, is_open=False)

    page.get_by_role("button", name="Menu", exact=True).click()
    expect_menu(page, is_open=True)
    expect(page.get_by_role("button", name="Close menu")).to_be_visible()
    visit(page, "/budgets")
    expect_menu(page, is_open=False)

    page.get_by_test_id("stExpandSidebarButton").click()
    expect_menu(page, is_open=True)
    page.reload()
    expect_page(page, "/budgets")
    expect_menu(page, is_open=False)

    resize(page, DESKTOP)
    expect_menu(page, is_open=True)
    visit(page, "/settings")
    expect_menu(page, is_open=True)
