"""Hostile model names: a real browser shows them as text and fetches nothing they refer to."""

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tally.accounts.auth_client import AuthClient
from tests.app.accounts import Account, sign_in_user
from tests.app.budgets import add_budget
from tests.app.conftest import job as job  # a fixture
from tests.app.pages import save, usage
from tests.days import current_day
from tests.e2e.steps import sign_in, visit

ADD_NEW_MODEL = """
insert into public.anomalies (workspace_id, day, kind, model_name, actual_usd, attribution)
values (%s, %s, 'new_model', %s, 3, '{}')"""


class Listener(http.server.ThreadingHTTPServer):
    """A server that hostile names refer to; it records requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.called: list[str] = []
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if isinstance(self.server, Listener):
            self.server.called.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def hostile_names(address: str) -> list[str]:
    return [
        f'<img src="{address}/img" onerror="window.executed=1">',
        "<script>window.executed=1</script>",
        f"![x]({address}/markdown)",
        f"[x]({address}/link) :red[x] :material/home: $\\href{{{address}/tex}}{{x}}$",
        f'=HYPERLINK("{address}/formula")',
        f'<a href="{address}/a">x</a><b>x</b><br>',
        "<extra></extra>%{y}</svg><iframe src=javascript:parent.executed=1>",
        f"{address}/plain",
        "www.evil.example",
        "me@evil.example",
    ]


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    with Listener() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def touch(page: Page) -> None:
    """Hover over and click on charts and tables, where tooltips and links would appear."""
    page.wait_for_timeout(1500)
    for drawn in page.locator("canvas, .js-plotly-plot, .tally-table").all():
        box = drawn.bounding_box()
        if box is None or not box["height"]:
            continue
        for across in (0.2, 0.5, 0.8):
            page.mouse.move(box["x"] + box["width"] * across, box["y"] + box["height"] * 0.5)
            page.wait_for_timeout(150)
        page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
    page.wait_for_timeout(500)


def live_elements(page: Page) -> int:
    """The number of frames and links that names have made on the page."""
    made = "iframe, [data-testid=stMain] :is(a[href^='http'], a[href^='mailto'])"
    return page.locator(made).count()


def test_listener_records_a_request(chromium: Browser, listener: Listener) -> None:
    """The check below can fail: a request is recorded."""
    page = chromium.new_page()
    page.set_content(f'<img src="{listener.address}/control">')
    page.wait_for_timeout(500)

    assert listener.called.pop() == "/control"


def test_hostile_names_are_text_on_every_page(
    page: Page, listener: Listener, upstream: AuthClient, account: Account, job: psycopg.Connection[Any]
) -> None:
    names = hostile_names(listener.address)
    user = sign_in_user(upstream, account)
    save(
        user,
        [usage(n, "3", model_name=name, metadata={"note": name}) for n in range(20) for name in names],
    )
    leaked: list[str] = []
    page.on(
        "request", lambda request: leaked.append(request.url) if listener.address in request.url else None
    )

    for name in names:
        add_budget(user, name[:100], "10", model_name=name)
        job.execute(ADD_NEW_MODEL, [user.workspace.workspace_id, current_day(), name])
    page.set_viewport_size({"width": 1440, "height": 1500})  # the mouse reaches only elements in view
    sign_in(page, account)
    expect(page.get_by_text("Top models")).to_be_visible()
    touch(page)
    page.get_by_text("7 more unusual days").click()
    expect(page.get_by_text("is new. It cost $3.00").last).to_be_visible()
    assert live_elements(page) == 0
    page.keyboard.press("Control+k")
    for name in names:
        page.get_by_role("combobox", name="Jump to a page").fill(name)
        expect(page.get_by_role("option").first.locator("span").first).to_have_text(name)
    assert page.locator("dialog :is(img, iframe, b, script)").count() == 0
    page.keyboard.press("Escape")
    visit(page, "/records")
    expect(page.get_by_text("of 200 records")).to_be_visible()
    touch(page)
    page.get_by_role("combobox", name="Model").click()
    expect(page.get_by_role("option").first).to_be_visible()
    page.get_by_role("option", name="![x](").first.click()
    expect(page.get_by_text("1 to 20 of 20 records")).to_be_visible()

    visit(page, "/budgets")
    expect(page.get_by_text("All 10")).to_be_visible()
    touch(page)
    assert live_elements(page) == 0
    page.get_by_role("button", name="<img").click()
    expect(page.get_by_role("heading", name="Limit and alerts")).to_be_visible()
    touch(page)

    assert page.evaluate("window.executed ?? null") is None
    assert live_elements(page) == 0
    assert listener.called == []
    assert [url for url in leaked if url.startswith(listener.address)] == []
