"""Explore in a real browser: what is clicked filters, Back takes it away, and the chart is a picture."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tally.accounts.auth_client import AuthClient
from tests.app.accounts import sign_in_user, sign_up
from tests.app.pages import save, usage
from tests.e2e.accessibility import ATTEMPTS, list_settled_violations
from tests.e2e.steps import expect_page, kpi, sign_in

ADDRESS = "/explore?split=branch&split=model&versus=nothing&days=7D"
DAY = 4  # of seven, with costs: the day before yesterday
PNG = b"\x89PNG"


# A new entry of the history, without what comes after the current one.
OPEN = """address => {
    history.pushState(null, "", address);
    dispatchEvent(new PopStateEvent("popstate"));
}"""


@pytest.fixture(scope="module")
def loaded(shared_page: Page, upstream: AuthClient) -> Page:
    """Explore of an account that spent $6.00 on two branches, by branch and model."""
    account = sign_up(upstream)
    records = [
        usage(age, cost, model_name=model, metadata={"branch": branch})
        for age in (1, 2, 3, 4)
        for branch, model, cost in (("main", "opus", "1"), ("search", "haiku", "0.50"))
    ]
    save(sign_in_user(upstream, account), records)
    shared_page.set_viewport_size({"width": 1440, "height": 1300})
    sign_in(shared_page, account, ADDRESS)
    return shared_page


@pytest.fixture
def explore(loaded: Page) -> Page:
    """The same, as its address opens it."""
    loaded.evaluate(OPEN, ADDRESS)
    expect_total(loaded, "Spend by branch and model", "$6.00")
    return loaded


def expect_total(page: Page, title: str, amount: str) -> None:
    """Check title and total of the chart, once the page is complete."""
    expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
    expect(kpi(page, title)).to_have_text(amount)
    expect_page(page, "/explore")


def click_mark(page: Page, mark: Locator) -> None:
    """Click on a part of a chart once the chart has told that the mouse is on it."""
    expect(mark).to_be_attached()
    told = page.locator(".hoverlayer .hovertext").first
    for _ in range(ATTEMPTS):  # the chart is drawn again when its width has settled
        mark.scroll_into_view_if_needed()
        box = mark.bounding_box()
        assert box is not None
        across, down = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(across - 2, down)
        page.mouse.move(across, down)
        page.wait_for_timeout(300)
        if told.is_visible():
            break
    page.mouse.click(across, down)


def test_click_filters_in_one_step_of_history_and_back_takes_it_away(explore: Page) -> None:
    before = explore.evaluate("history.length")
    bar = explore.locator(".js-plotly-plot .barlayer .trace").nth(1).locator(".point path").nth(DAY)
    click_mark(explore, bar)
    expect_total(explore, "Spend by provider", "$2.00")
    expect(explore).to_have_url(re.compile("where=branch%3Asearch&where=model%3Ahaiku"))
    assert explore.evaluate("history.length") == before + 1

    explore.go_back()
    expect_total(explore, "Spend by branch and model", "$6.00")
    click_mark(explore, bar)  # the same one again
    expect_total(explore, "Spend by provider", "$2.00")
    explore.get_by_role("button", name="Model haiku").click()
    expect(explore.get_by_role("button", name="Model haiku")).to_have_count(0)
    expect(explore).to_have_url(re.compile("where=branch%3Asearch$"))

    explore.go_back()
    expect(explore.get_by_role("button", name="Model haiku")).to_be_visible()
    explore.go_back()
    expect_total(explore, "Spend by branch and model", "$6.00")
    explore.get_by_role("button", name="main · opus").click()
    expect_total(explore, "Spend by provider", "$4.00")


def test_table_sorts_by_value_and_a_row_filters_in_one_step_of_history(explore: Page) -> None:
    def order() -> list[str]:
        rows = explore.locator(".tally-table tbody tr").all()
        return [row.get_by_role("cell").nth(1).inner_text() for row in rows]

    spend = explore.get_by_role("columnheader", name="Spend")
    assert order() == ["main", "search"]
    spend.get_by_role("button").click()
    expect(spend).to_have_attribute("aria-sort", "descending")
    spend.get_by_role("button").press("Enter")
    expect(spend).to_have_attribute("aria-sort", "ascending")
    assert order() == ["search", "main"]
    explore.get_by_role("radio", name="Lines").click()
    expect(explore).to_have_url(re.compile("chart=lines"))
    expect_page(explore, "/explore")
    assert order() == ["search", "main"], "drawn again in the same order"
    before = explore.evaluate("history.length")
    explore.get_by_role("row", name="search").get_by_text("$2.00").click()
    expect_total(explore, "Spend by provider", "$2.00")
    assert explore.evaluate("history.length") == before + 1
    explore.go_back()
    expect_total(explore, "Spend by branch and model", "$6.00")
    explore.get_by_role("link", name="search").press("Enter")
    expect_total(explore, "Spend by provider", "$2.00")
    assert explore.get_by_role("columnheader", name="Spend").get_attribute("aria-sort") == "ascending"


def test_tile_filters_and_the_chart_is_a_picture_made_in_the_browser(explore: Page, tmp_path: Path) -> None:
    explore.get_by_role("radio", name="Treemap").click()
    tile = explore.locator(".js-plotly-plot .treemaplayer .slice").filter(has_text="haiku").last
    expect(tile).to_be_visible()
    expect_page(explore, "/explore")
    for kind, start in (("PNG", PNG), ("SVG", b"<svg")):
        explore.get_by_role("button", name="Export").click()
        with explore.expect_download() as download:
            explore.get_by_role("button", name=kind, exact=True).click()
        download.value.save_as(tmp_path / kind)
        assert (tmp_path / kind).read_bytes().startswith(start)
        explore.keyboard.press("Escape")
    assert "Spend by branch and model" in (tmp_path / "SVG").read_text()
    expect_page(explore, "/explore")

    explore.evaluate(
        """() => document.querySelectorAll(".js-plotly-plot").forEach((chart) =>
            chart.on("plotly_animating", () => { window.hasZoomed = true; }))"""
    )
    tile.click()
    expect_total(explore, "Spend by provider", "$2.00")
    assert explore.evaluate("window.hasZoomed") is None  # it filters, without a motion that some cannot bear


def test_filtered_page_is_accessible_in_both_themes(explore: Page) -> None:
    explore.get_by_role("button", name="search · haiku").click()
    expect_total(explore, "Spend by provider", "$2.00")
    found = {}
    for scheme in ("light", "dark"):
        explore.emulate_media(color_scheme=scheme)
        found[scheme] = list_settled_violations(explore)
    explore.emulate_media(color_scheme="light")
    assert found == {"light": [], "dark": []}
