"""From the page Agents to a session and to a month card, in both themes and on a phone."""

import struct
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from app.auth.identity import database_of
from tally.accounts.auth_client import AuthClient
from tally.core.records import CostRecord, identity
from tally.ledger.save import save_records
from tests.app.accounts import Account, sign_in_user
from tests.e2e.accessibility import list_settled_violations
from tests.e2e.steps import expect_page, open_page, sign_in

BERLIN = ZoneInfo("Europe/Berlin")  # where the browser is
PHONE: Any = {"width": 390, "height": 844}
DESKTOP: Any = {"width": 1440, "height": 900}
WIDER = "it => it.scrollWidth > it.clientWidth"
# Of a drawn card: the colour of a corner, and how many colours there are.
CORNER = """canvas => [...canvas.getContext("2d").getImageData(3, 3, 1, 1).data].slice(0, 3)"""
COLOURS = """canvas => new Set(new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, 1200, 630).data.buffer)).size"""


@pytest.fixture
def busy(upstream: AuthClient, account: Account) -> Account:
    """An account with two sessions on the first of this month, one with a gap."""
    start = datetime.now(BERLIN).replace(day=1, hour=12, minute=0, second=0, microsecond=0)
    records = [
        CostRecord(
            "claude-desktop",
            start.astimezone(UTC) + timedelta(minutes=nth if nth < 5 else nth + 30),
            "claude-opus-4-5",
            Decimal("0.25"),
            identity("story", nth),
            cost_basis="included",
            collection_method="local_log",
            input_tokens=50_000 + nth * 1_000,
            output_tokens=400,
            cache_write_tokens=40_000,
            request_count=1,
            metadata={
                "agent": "claude-code",
                "session": "story" if nth < 10 else "other",
                "repository": "garden-shop",
                "branch": "main",
            },
        )
        for nth in range(12)
    ]
    save_records(database_of(sign_in_user(upstream, account)), records)
    return account


def test_agents_lead_to_a_session_and_to_a_card(page: Page, busy: Account, tmp_path: Path) -> None:
    errors: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in(page, busy, "/agents")
    expect(page.get_by_role("img", name="1 day with agents in the last year")).to_be_visible()
    expect(page.get_by_role("row", name="garden-shop $3.00")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    assert list_settled_violations(page) == []

    page.get_by_role("button", name="Month card").click()
    dialog = page.get_by_role("dialog")
    canvas = dialog.locator("canvas[data-is-ready]")
    expect(canvas).to_be_visible()
    assert canvas.evaluate(CORNER) == [255, 255, 255]
    assert canvas.evaluate(COLOURS) > 50
    assert "garden-shop" not in (dialog.locator(".tally-card").get_attribute("data-card") or "")
    assert list_settled_violations(page) == []
    dialog.get_by_text("Show repositories instead of models").click()
    expect(dialog.locator(".tally-card[data-card*='garden-shop'] canvas[data-is-ready]")).to_be_visible()
    dialog.get_by_text("Dark", exact=True).click()
    dark = dialog.locator('.tally-card[data-card*=\'"theme": "dark"\'] canvas[data-is-ready]')
    expect(dark).to_be_visible()
    assert dark.evaluate(CORNER) == [14, 17, 22]
    page.evaluate(
        "() => { navigator.clipboard.write = async ([it]) => {"
        " window.copied = await it.getType('image/png') } }"
    )
    dialog.get_by_role("button", name="Copy picture").click()
    expect(dialog.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert page.evaluate("window.copied.type") == "image/png"
    page.evaluate("() => { navigator.clipboard.write = () => Promise.reject() }")
    dialog.get_by_role("button", name="Copy picture").click()
    expect(dialog.get_by_text("This browser does not let pages copy pictures. Download it")).to_be_visible()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download PNG").click()
    assert download.value.suggested_filename.endswith("-dark.png")
    download.value.save_as(tmp_path / "card.png")
    picture = (tmp_path / "card.png").read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", picture[16:24]) == (1200, 630)

    page.set_viewport_size(PHONE)
    open_page(page, "/agents")
    page.emulate_media(color_scheme="dark")
    expect(page.get_by_role("row", name="garden-shop $3.00")).to_be_visible()
    assert not page.get_by_test_id("stMain").evaluate(WIDER)
    page.locator("[class*=st-key-narrow-]").get_by_text("garden-shop · story").click()
    expect(page.get_by_role("heading", name="Session of", level=1)).to_be_visible()
    expect(page.get_by_text("1 gap, ")).to_be_visible()
    expect(page.locator(".js-plotly-plot").nth(1)).to_be_visible()
    assert not page.get_by_test_id("stMain").evaluate(WIDER)
    assert list_settled_violations(page) == []
    page.set_viewport_size(DESKTOP)
    assert page.url.endswith("session=story")
    page.get_by_test_id("stMain").get_by_role("button", name="Agents").click()
    expect_page(page, "/agents")
    expect(page.get_by_role("heading", name="Most expensive sessions")).to_be_visible()
    assert "session=" not in page.url
    assert errors == []
