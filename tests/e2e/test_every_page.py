"""Every page with six months of data: on a phone, a tablet and a desktop, dark or light."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, Route, expect

from app.auth.identity import database_of
from tally.accounts.auth_client import AuthClient
from tally.local.stack import Stack
from tally.samples import sample
from tests.app.accounts import Account, sign_in_user, sign_up
from tests.app.budgets import add_budget
from tests.app.projects import add_project, set_rules
from tests.e2e.accessibility import ATTEMPTS, list_settled_violations
from tests.e2e.conftest import cleared_after
from tests.e2e.steps import ENTRIES, PAGES, expect_page, run_nightly, sign_in, visit
from tests.shared_connections import operator_connection
from tests.tally.advice.pieces import every_piece, keep_pieces

# Rules that Streamlit itself breaks: the sparkline of a metric and the drop zone of an upload.
STREAMLIT_RULES = {"svg-img-alt", "presentation-role-conflict"}
PHONE: Any = {"width": 390, "height": 844}
TABLET: Any = {"width": 820, "height": 1180}
DESKTOP: Any = {"width": 1440, "height": 900}
# One scheme for a page, as its colours are those of the theme, whose contrast has a test of its own; the
# Overview is looked at in both.
BY_SCHEME: dict[Any, list[str]] = {"dark": [*PAGES][::2], "light": ["/", *[*PAGES][1::2]]}
SETTINGS = (  # its parts but the first, and a heading in each
    ("Projects", "Projects and rules"),
    ("Alerts", "What to alert about"),
    ("Traces", "Prompts and answers"),
    ("Audit log", "Audit log"),
)
FOUND = re.compile(r"^(More than )?\d+ found$")
WIDER_THAN_ITS_PLACE = "all => all.filter(it => it.scrollWidth > it.clientWidth).map(it => it.className)"
# The first chart's legend is lower than this, and above the bars.
LEGEND_IS_LOW = """height => {
    const plot = document.querySelector(".js-plotly-plot");
    const legend = document.querySelector(".tally-legend").getBoundingClientRect();
    return plot && legend.height < height && legend.bottom <= plot.getBoundingClientRect().top;
}"""


@pytest.fixture(scope="module")
def busy_account(upstream: AuthClient, stack: Stack) -> Account:
    """An account with six months of data, a forecast, and a project with a rule."""
    account = sign_up(upstream)
    user = sign_in_user(upstream, account)
    sample.load(database_of(user), datetime.now(UTC).date())
    set_rules(user, ("model", "gpt-5.2", add_project(user, "Website")))
    add_budget(user, "Everything", "600")
    add_budget(user, "Opus", "60", model_name="claude-opus-4-5")
    run_nightly(stack, account.email)
    with operator_connection(stack) as operator:
        keep_pieces(operator, user.workspace.workspace_id, every_piece(), datetime.now(UTC).date())
    return account


class Watched:
    """A page, what it requested, and the errors and warnings in its console."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.requested: list[str] = []
        self.errors: list[str] = []
        page.on("request", self._note)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note(self, request: Request) -> None:
        self.requested.append(request.url.rpartition("/js/")[2])

    def _listen(self, message: ConsoleMessage) -> None:
        # Streamlit's small charts in cards have a layer for the point under the mouse, empty at first.
        if message.type in ("error", "warning") and "Infinite extent" not in message.text:
            self.errors.append(message.text)

    def violations(self) -> list[tuple[str, str]]:
        """Violations of accessibility rules by our pages: the rule and the first element that breaks it."""
        return list_settled_violations(self.page, STREAMLIT_RULES)

    def scrolling(self) -> list[str]:
        """What scrolls sideways: the page, or a table where lists can replace them."""
        places = "[data-testid=stMain]" + (", .dvn-scroller" if "/settings" in self.page.url else "")
        found: list[str] = []
        for _ in range(ATTEMPTS):  # charts are drawn again in the new width
            found = self.page.locator(f"{places} >> visible=true").evaluate_all(WIDER_THAN_ITS_PLACE)
            if not found:
                break
            self.page.wait_for_timeout(500)
        return found


@pytest.fixture(scope="module")
def watched(first_tab: Page, busy_account: Account) -> Iterator[Watched]:
    """A tab of all tests here, as loading the dashboard takes most of their time; opened on a tablet."""
    with cleared_after(first_tab) as context:
        watched = Watched(context.new_page())
        watched.page.set_viewport_size(TABLET)
        sign_in(watched.page, busy_account)
        expect(watched.page.locator(".js-plotly-plot").first).to_be_visible()
        yield watched


def test_figures_are_painted_before_the_charts_code_is_fetched(watched: Watched) -> None:
    opened = next(nth for nth, url in enumerate(watched.requested) if "/render-gate?" in url)
    charts = next(nth for nth, url in enumerate(watched.requested) if url.startswith("PlotlyChart."))
    assert opened < charts


def test_first_visit_requests_few_files_before_the_charts_code(watched: Watched) -> None:
    charts = next(nth for nth, url in enumerate(watched.requested) if url.startswith("PlotlyChart."))
    assert sum(url.endswith(".js") for url in watched.requested[:charts]) < 20, watched.requested[:charts]


def test_a_wider_page_shows_its_legend_above_the_bars_in_fewer_lines(watched: Watched) -> None:
    page = watched.page
    expect(page.locator(".tally-legend").first).to_be_visible()
    lines = page.locator(".tally-legend").first.bounding_box()
    assert lines is not None
    page.set_viewport_size(DESKTOP)
    page.wait_for_function(LEGEND_IS_LOW, arg=lines["height"])  # once the chart is drawn again


def test_tablet_shows_four_cards_in_two_rows(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size(TABLET)
    visit(page, "/forecast")
    expect(page.get_by_test_id("stMetric").nth(3)).to_be_visible()
    boxes = [card.bounding_box() for card in page.get_by_test_id("stMetric").all()[:4]]
    tops = [box["y"] for box in boxes if box]
    assert len(tops) == 4
    assert tops[0] == tops[1] < tops[2] == tops[3]


def expect_menu(page: Page, is_open: bool) -> None:
    collapsed = "false" if is_open else "true"
    expect(page.get_by_test_id("stSidebar")).to_have_attribute("data-collapsed", collapsed)


def test_menu_of_a_phone_closes_after_a_choice_and_with_a_reload(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size(PHONE)
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

    page.set_viewport_size(DESKTOP)
    expect_menu(page, is_open=True)
    visit(page, "/settings")
    expect_menu(page, is_open=True)


def test_jump_field_finds_pages_names_and_sessions_by_keyboard(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size(DESKTOP)
    drop_a_late_answer(page)
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Jump to a page")
    expect(field).to_be_focused()
    dialog = page.get_by_role("dialog", name="Jump to")
    expect(dialog.get_by_role("option", name="Website")).to_be_visible()  # names have come
    assert watched.violations() == []
    for typed, first in (
        ("kes", "Keys"),
        ("opsu", "claude-opus-4-5"),
        ("antropic", "Anthropic"),
        ("WÉB", "Website"),
        ("time zone", "Time zone"),
        ("garden", ""),
    ):
        field.fill(typed)
        options = dialog.get_by_role("option")
        expect(dialog.get_by_role("status")).to_have_text(FOUND)
        expect(options.first.locator("span").first).to_contain_text(first)
        expect(options.first).to_have_attribute("aria-selected", "true")
        expect(options.last).to_have_accessible_name(f"Search records for “{typed}”")
    chosen = dialog.get_by_role("option", selected=True)
    page.keyboard.press("ArrowUp")
    expect(chosen).to_have_accessible_name("Search records for “garden”")
    expect(field).to_have_attribute("aria-activedescendant", str(chosen.get_attribute("id")))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # the latest session in that repository
    expect(page.locator(".st-key-back_to_agents")).to_be_visible()
    expect(dialog).to_be_hidden()
    expect(page.get_by_test_id("stMain")).to_be_focused()

    page.get_by_role("button", name="Jump to…").click()
    field.fill("opus")
    dialog.get_by_role("option", name="claude-opus-4-5").first.click()
    expect_page(page, "/explore")
    expect(page.get_by_test_id("stMain").get_by_text("claude-opus-4-5").first).to_be_visible()
    page.keyboard.press("Control+k")
    recent = dialog.get_by_role("group", name="Recent").get_by_role("option")
    expect(recent.first).to_contain_text("claude-opus-4-5")  # the last one that was opened
    field.fill("xqzzv")
    expect(dialog.get_by_role("status")).to_have_text("Nothing found")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.go_back()
    expect(page.locator(".st-key-back_to_agents")).to_be_visible()
    assert watched.errors == []


def test_search_of_one_kind_drops_late_answers_and_opens_settings(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size(PHONE)
    page.emulate_media(color_scheme="dark")
    page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Jump to")
    field = page.get_by_role("combobox", name="Jump to a page")
    options, status = dialog.get_by_role("option"), dialog.get_by_role("status")
    field.fill("s")
    expect(status).to_have_text(FOUND)
    field.fill("claude-code")
    dialog.get_by_role("option", name="More sessions").click()
    only = dialog.get_by_role("button", name="Only sessions. Search everything")
    expect(only).to_be_visible()
    expect(field).to_be_focused()
    expect(status).to_have_text(FOUND)
    assert options.count() > 5
    assert dialog.get_by_role("group").count() == 1
    assert watched.violations() == []
    field.press("Home")
    page.keyboard.press("Backspace")
    expect(only).to_be_hidden()
    expect(field).to_have_value("claude-code")

    held: list[Route] = []
    page.route("**/jump?*q=opus*", lambda route: held.append(route))
    with page.expect_request("**/jump?*q=opus*"):
        field.fill("opus")
    field.fill("delete acc")
    expect(options.first).to_have_accessible_name("Delete account My account")
    expect(status).to_have_text("1 found")
    held[0].abort()  # or the browser did
    page.unroute("**/jump?*q=opus*")
    expect(dialog.get_by_role("option", name="claude-opus-4-5")).to_be_hidden()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/settings\?.*section=My\+account"))
    expect(page.get_by_role("button", name="Delete account")).to_be_visible()
    assert watched.errors == []


def drop_a_late_answer(page: Page) -> None:
    """What is found after the workspace was left is not of the one that is shown."""
    held: list[Route] = []
    page.route("**/jump?*", lambda route: held.append(route))
    with page.expect_request("**/jump?*"):
        page.keyboard.press("Control+k")
    dialog = page.get_by_role("dialog", name="Jump to")
    expect(dialog.get_by_role("status")).to_have_text("Searching…")
    address = page.evaluate("location.href")
    page.evaluate("history.replaceState(history.state, '', '?workspace=another')")
    with page.expect_response("**/jump?*") as answered:
        held[0].continue_()
    answered.value.finished()
    page.evaluate("new Promise(requestAnimationFrame)")
    expect(dialog.get_by_role("option", name="Website")).to_be_hidden()
    page.evaluate("address => history.replaceState(history.state, '', address)", address)
    page.unroute("**/jump?*")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_pages_are_accessible_and_fit_a_phone(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size(DESKTOP)
    visit(page, "/settings")
    links = page.get_by_test_id("stSidebarNav").get_by_role("link")
    entries = [re.compile(f"{title}$") for title in ENTRIES.values()]  # after the name of an icon
    expect(links).to_have_text(entries)
    found, scrolling = {"menu": watched.violations()}, {}
    for scheme, paths in BY_SCHEME.items():
        page.emulate_media(color_scheme=scheme)
        for path in paths:
            page.set_viewport_size(PHONE)
            page.get_by_test_id("stExpandSidebarButton").click()
            visit(page, path)
            found[f"{path}, {scheme}, phone"] = watched.violations()
            scrolling[f"{path}, phone"] = watched.scrolling()
            page.set_viewport_size(TABLET)
            scrolling[f"{path}, tablet"] = watched.scrolling()
            page.set_viewport_size(DESKTOP)
            found[f"{path}, {scheme}"] = watched.violations()
            expect(page.locator("[class*=st-key-narrow-], .tally-lines").filter(visible=True)).to_have_count(
                0
            )
    page.emulate_media(color_scheme="light")
    visit(page, "/settings")
    for part, heading in SETTINGS:
        page.get_by_role("radio", name=part).click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        found[f"/settings, {part}"] = watched.violations()
        page.set_viewport_size(PHONE)
        scrolling[f"/settings, {part}, phone"] = watched.scrolling()
        page.set_viewport_size(DESKTOP)
    visit(page, "/budgets")
    for button, heading in (("Opus", "Limit and alerts"), ("New budget", "Its last six months")):
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        found[f"/budgets, {button}"] = watched.violations()
        page.set_viewport_size(PHONE)
        scrolling[f"/budgets, {button}, phone"] = watched.scrolling()
        page.set_viewport_size(DESKTOP)
        page.get_by_test_id("stMain").get_by_role("button", name="All budgets").click()
        expect(page.get_by_role("button", name="New budget")).to_be_visible()
    assert {path: of_page for path, of_page in found.items() if of_page} == {}
    assert {path: of_page for path, of_page in scrolling.items() if of_page} == {}
    assert watched.errors == []
