"""From sign-up and a coding agent's logs to a session and a shared card, in both themes and on a phone."""

import struct
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import ConsoleMessage, Page, expect

from tally.local.stack import Stack
from tests.app.accounts import PASSWORD
from tests.e2e.accessibility import list_settled_violations
from tests.e2e.steps import expect_page, open_page, sign_up, visit
from tests.program_environment import program_environment
from tests.tally.agents.homes import claude_row, write_claude
from tests.tally.cli.in_process import run_tally

BERLIN = ZoneInfo("Europe/Berlin")  # where the browser is
PHONE: Any = {"width": 390, "height": 844}
DESKTOP: Any = {"width": 1440, "height": 900}
LAPTOP: Any = {"width": 1280, "height": 800}
WIDER = "it => it.scrollWidth > it.clientWidth"
# Of a drawn card: the colour of a corner, and how many colours there are.
CORNER = """canvas => [...canvas.getContext("2d").getImageData(3, 3, 1, 1).data].slice(0, 3)"""
COLOURS = """canvas => new Set(new Uint32Array(
    canvas.getContext("2d").getImageData(0, 0, 1200, 630).data.buffer)).size"""


# Of each request, by list price: 40,000 tokens written to the cache $0.25, 2,000 of output $0.05.
USAGE = {"input_tokens": 0, "output_tokens": 2_000, "cache_creation_input_tokens": 40_000}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with two sessions of Claude Code yesterday, or today on the first of a month; one has a gap."""
    now = datetime.now(BERLIN)
    noon = (now - timedelta(days=1)).replace(hour=12, minute=0)
    start = noon if noon.month == now.month else now.replace(hour=0, minute=0)
    for session, requests in (("story", range(10)), ("other", range(10, 12))):
        rows = [
            claude_row(
                f"msg_{nth}",
                f"req_{nth}",
                at=(start.astimezone(UTC) + timedelta(minutes=nth if nth < 5 else nth + 30)).isoformat(),
                model="claude-opus-4-5",
                session=session,
                usage=USAGE,
                gitBranch="main",
            )
            for nth in requests
        ]
        write_claude(tmp_path / "home", *rows, file=f"garden/{session}.jsonl")
    return tmp_path / "home"


def collect(stack: Stack, home: Path, email: str) -> None:
    """Run the two commands that an empty Overview names, on the machine with this home."""
    settings = {key: stack.settings()[key] for key in ("SUPABASE_URL", "SUPABASE_PUBLISHABLE_KEY")}
    environment = program_environment(HOME=str(home), TALLY_HOME=str(home / "tally"), **settings)
    for arguments, given in (
        (("login", "--email", email, "--password-stdin"), f"{PASSWORD}\n"),
        (("collect", "--paid-by", "claude-code=plan"), ""),
    ):
        answer = run_tally(*arguments, environment=environment, given=given)
        assert answer.returncode == 0, answer.stderr


def test_from_sign_up_to_a_session_and_a_shared_card(
    page: Page, stack: Stack, home: Path, tmp_path: Path
) -> None:
    errors: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        if message.type == "error":
            errors.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: errors.append(str(error)))
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    sign_up(page, email)
    expect(page.get_by_text(".venv/bin/tally collect")).to_be_visible()
    collect(stack, home, email)
    visit(page, "/agents")
    expect(page.get_by_role("img", name="1 day with agents in the last year")).to_be_visible()
    expect(page.get_by_role("row", name="garden $3.60")).to_be_visible()
    expect(page.locator(".js-plotly-plot").first).to_be_visible()
    assert list_settled_violations(page) == []

    page.get_by_role("button", name="Month card").click()
    dialog = page.get_by_role("dialog")
    canvas = dialog.locator("canvas[data-is-ready]")
    expect(canvas).to_be_visible()
    assert canvas.evaluate(CORNER) == [255, 255, 255]
    assert canvas.evaluate(COLOURS) > 50
    assert "garden" not in (dialog.locator(".tally-card").get_attribute("data-card") or "")
    assert list_settled_violations(page) == []
    dialog.get_by_text("Show repositories instead of models").click()
    expect(dialog.locator(".tally-card[data-card*='garden'] canvas[data-is-ready]")).to_be_visible()
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
    expect(page.get_by_role("row", name="garden $3.60")).to_be_visible()
    assert not page.get_by_test_id("stMain").evaluate(WIDER)
    page.locator(".tally-lines").get_by_text("garden · story").click()
    expect(page.get_by_role("heading", name="Session of", level=1)).to_be_visible()
    expect(page.get_by_text("1 gap, ")).to_be_visible()
    expect(page.locator(".js-plotly-plot").nth(1)).to_be_visible()
    assert not page.get_by_test_id("stMain").evaluate(WIDER)
    assert list_settled_violations(page) == []
    page.set_viewport_size(LAPTOP)
    assert not any(figure.evaluate(WIDER) for figure in page.locator(".agt .big").all())
    page.set_viewport_size(DESKTOP)
    assert page.url.endswith("session=story")
    page.get_by_test_id("stMain").get_by_role("button", name="Agents").click()
    expect_page(page, "/agents")
    expect(page.get_by_role("heading", name="Most expensive sessions")).to_be_visible()
    assert "session=" not in page.url
    assert errors == []
